"""Compares two generations of a projection, document by document, at equal versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from event_store.port import NO_VERSION, EventStore
from projections.shown import what_is_shown
from read_side.port import Document, Generation, Stored
from read_side.rebuild_port import RebuildStore, Scanned

MAX_DIFFERENCES = 100
"""Differences that are listed; all are counted."""
MAX_UNSETTLED = 1000
"""Documents at unlike versions that are looked at again."""
SETTLE_TRIES = 20
SETTLE_SECONDS = 0.05
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two documents differ; None: it is not there. An empty path: all of it."""

    key: str
    path: str
    old: Any
    new: Any


@dataclass(slots=True)
class Comparison:
    """What a comparison found."""

    old: int
    """Number of the generation compared with."""
    new: int
    compared: int = 0
    """Documents that both generations had at the same versions."""
    differing: int = 0
    """Documents that differ."""
    not_compared: int = 0
    """Documents that one of them shows at a later version."""
    differences: list[Difference] = field(default_factory=list[Difference])
    """The first of them."""


async def compare(
    events: EventStore, store: RebuildStore, old: Generation, new: Generation
) -> Comparison:
    """Compare all documents; those that are just being written are looked at again for a second.

    Raises:
        EventStoreUnavailable, ReadStoreUnavailable, UnknownGeneration.
    """
    found = Comparison(old.number, new.number)
    unsettled: list[str] = []
    async for before, after in _pairs(store, old, new):
        if before is None or after is None or before.streams != after.streams:
            unsettled.append((before or cast("Scanned", after)).key)
        else:
            found.compared += 1
            if before.document != after.document:
                _add(found, before.key, _decoded(before), _decoded(after))
    found.not_compared = len(unsettled[MAX_UNSETTLED:])
    await _Settling(events, store, old, new, found).settle(unsettled[:MAX_UNSETTLED])
    return found


class _Settling:
    """Looks again at documents that were at unlike versions."""

    def __init__(
        self,
        events: EventStore,
        store: RebuildStore,
        old: Generation,
        new: Generation,
        found: Comparison,
    ) -> None:
        self._events = events
        self._store = store
        self._old = old
        self._new = new
        self._found = found

    async def settle(self, keys: Sequence[str]) -> None:
        """Compare those that come to equal versions; judge those that don't."""
        for _ in range(SETTLE_TRIES):
            if not keys:
                return
            await asyncio.sleep(SETTLE_SECONDS)
            keys = [key for key in keys if not await self._compared(key)]
        for key in keys:
            await self._judge(key)

    async def _both(self, key: str) -> tuple[Stored, Stored]:
        nothing = Stored(None, {}, 0)
        before = (await self._store.load(self._old, [key])).get(key, nothing)
        after = (await self._store.load(self._new, [key])).get(key, nothing)
        return before, after

    async def _compared(self, key: str) -> bool:
        before, after = await self._both(key)
        if before.streams != after.streams:
            return False
        self._found.compared += 1
        _add(self._found, key, before.document, after.document)
        return True

    async def _judge(self, key: str) -> None:
        """It differs if the generation that is behind says that it has shown those events."""
        before, after = await self._both(key)
        if await self._should_have(self._old, before, after) or await self._should_have(
            self._new, after, before
        ):
            self._found.compared += 1
            _add(self._found, key, before.document, after.document)
        else:
            self._found.not_compared += 1

    async def _should_have(self, generation: Generation, own: Stored, other: Stored) -> bool:
        shown = await what_is_shown(self._store, generation)
        for stream, version in other.streams.items():
            if own.streams.get(stream, NO_VERSION) >= version:
                continue
            events = await self._events.read_stream(stream, first=version, last=version)
            if events and shown.covers(stream, events[0].position):
                return True
        return False


async def _pairs(
    store: RebuildStore, old: Generation, new: Generation
) -> AsyncGenerator[tuple[Scanned | None, Scanned | None]]:
    """The documents of both with the same key, in the order of their keys."""
    left, right = _documents(store, old), _documents(store, new)
    before, after = await anext(left, None), await anext(right, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.key < after.key):
            yield before, None
            before = await anext(left, None)
        elif before is None or after.key < before.key:
            yield None, after
            after = await anext(right, None)
        else:
            yield before, after
            before, after = await anext(left, None), await anext(right, None)


async def _documents(store: RebuildStore, generation: Generation) -> AsyncGenerator[Scanned]:
    last: str | None = None
    while page := await store.scan(generation, after=last, limit=PAGE):
        for one in page:
            yield one
        last = page[-1].key


def _decoded(scanned: Scanned) -> Document | None:
    return None if scanned.document is None else msgspec.json.decode(scanned.document)


def _add(found: Comparison, key: str, old: Document | None, new: Document | None) -> None:
    differences = list(_differences("", old, new))
    found.differing += bool(differences)
    room = MAX_DIFFERENCES - len(found.differences)
    found.differences += [Difference(key, *one) for one in differences[:room]]


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
        for name in dict.fromkeys([*before, *after]):
            yield from _differences(_at(path, name), before.get(name), after.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        first, second = cast("list[Any]", old), cast("list[Any]", new)
        for number in range(max(len(first), len(second))):
            values = [it[number] if number < len(it) else None for it in (first, second)]
            yield from _differences(_at(path, str(number)), *values)
    elif cast("object", old) != cast("object", new):
        yield path, old, new


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
