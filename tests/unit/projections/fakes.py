"""Both stores in memory, with the ports' promises and nothing else."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.documents import DocumentType
from contracts.parked import ParkedRequest, ParkedStream
from contracts.registry import category_of
from event_store.errors import EventStoreUnavailable, InvalidPosition
from event_store.port import Delivery, Page, Position, RecordedEvent
from read_side.port import (
    Checkpoint,
    Discard,
    DocumentRefused,
    Generation,
    ReadStoreUnavailable,
    Stored,
    UnknownGeneration,
    WriteBatch,
    WriteConflict,
)
from read_side.rebuild_port import Rebuild, RebuildPhase, RebuildUnderWay, Scanned
from tests.support.aggregates import AT
from tests.support.projections import STORE


class MemoryEventStore:
    """Events in the order they were recorded."""

    def __init__(self, events: Sequence[RecordedEvent] = (), *, identity: str = STORE) -> None:
        self.store = identity
        self.unavailable = False
        self.stream_reads: list[tuple[str, int, int | None]] = []
        self._log: list[RecordedEvent] = []
        self._changed = asyncio.Event()
        self.record(*events)

    def record(self, *events: RecordedEvent) -> list[RecordedEvent]:
        recorded = [
            replace(event, position=Position(f"{number:020}"))
            for number, event in enumerate(events, start=len(self._log) + 1)
        ]
        self._log += recorded
        self.wake()
        return recorded

    def wake(self) -> None:
        """Let those who follow look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def lose(self, number: int) -> None:
        """Lose the last events."""
        del self._log[-number:]

    def truncate(self, stream: str, *, before: int) -> None:
        """Lose the first events of a stream."""
        self._log = [e for e in self._log if e.stream != stream or e.version >= before]

    async def read_stream(
        self,
        stream: str,
        *,
        first: int | None = None,
        last: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Sequence[RecordedEvent]:
        self._answer()
        self.stream_reads.append((stream, first or 0, last))
        found = [
            e
            for e in self._log
            if e.stream == stream
            and e.version >= (first or 0)
            and (last is None or e.version <= last)
        ]
        return (found[::-1] if backwards else found)[:limit]

    async def read_all(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        self._answer()
        if after is not None and int(after) > len(self._log):
            raise InvalidPosition(f"{after!r} lies beyond the last event of this store")
        rest = [e for e in self._log if e.position > (after or "")]
        wanted = [e for e in rest if categories is None or category_of(e.stream) in categories]
        page = wanted[:limit]
        at_end = len(page) == len(wanted)
        end = (rest[-1] if at_end else page[-1]).position if rest else after
        return Page(page, end or Position("0" * 20), at_end)

    async def subscribe(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        batch: int = 500,
    ) -> AsyncGenerator[Delivery]:
        position, announced = after, False
        while True:
            changed = self._changed
            page = await self.read_all(after=position, categories=categories, limit=batch)
            if page.position != position or not announced:
                yield Delivery(page.events, page.position, page.at_end)
            position, announced = page.position, page.at_end
            if page.at_end:
                await changed.wait()

    async def identity(self) -> str:
        self._answer()
        return self.store

    async def head(self) -> Position | None:
        self._answer()
        return self._log[-1].position if self._log else None

    async def count(self, categories: Collection[str]) -> int:
        return sum(category_of(event.stream) in categories for event in self._log)

    def _answer(self) -> None:
        if self.unavailable:
            raise EventStoreUnavailable("the event store is away")


class MemoryProjectionStore:
    """Documents by generation. Everything is copied in and out."""

    def __init__(self) -> None:
        self.unavailable = False
        self.refuse: set[str] = set()
        """Documents under these keys can't be stored."""
        self.losing_answers = False
        """Writes succeed, but it is not heard."""
        self.batches: list[WriteBatch] = []
        self._generations: list[Generation] = []
        self._numbers: dict[str, int] = {}
        self._documents: dict[tuple[str, int], dict[str, Stored]] = {}
        self._checkpoints: dict[tuple[str, int], dict[str, Checkpoint]] = {}
        self._parked: dict[tuple[str, int], dict[str, ParkedStream]] = {}
        self._discards: dict[tuple[str, str, int], Discard] = {}
        self._paused: set[str] = set()
        self._rebuilds: dict[tuple[str, int], Rebuild] = {}
        self._rebuilding: set[str] = set()
        self._written = asyncio.Event()

    def documents(self, generation: Generation) -> dict[str, Any]:
        """The documents that show something, by key."""
        stored = self._documents[_id(generation)]
        return {key: one.document for key, one in stored.items() if one.document is not None}

    def streams(self, generation: Generation) -> dict[str, Mapping[str, int]]:
        return {key: one.streams for key, one in self._documents[_id(generation)].items()}

    async def generations(self, projection: str) -> Sequence[Generation]:
        self._answer()
        return [one for one in self._generations if one.projection == projection]

    async def create_generation(self, document_type: DocumentType, fingerprint: str) -> Generation:
        self._numbers[document_type.name] = number = self._numbers.get(document_type.name, 0) + 1
        made = Generation(document_type.name, number, "building", fingerprint, AT)
        self._generations.append(made)
        self._documents[_id(made)] = {}
        self._checkpoints[_id(made)] = {}
        self._parked[_id(made)] = {}
        return made

    async def activate(self, generation: Generation) -> None:
        self._generations = [
            one if one.projection != generation.projection else _switched(one, generation)
            for one in self._generations
        ]
        self._rebuilds.pop(_id(generation), None)
        self._wake()

    async def drop(self, generation: Generation) -> None:
        self._generations = [one for one in self._generations if _id(one) != _id(generation)]
        self._rebuilds.pop(_id(generation), None)

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        self._answer()
        documents = self._documents[_id(generation)]
        return {key: copy.deepcopy(documents[key]) for key in keys if key in documents}

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        self._answer()
        self._state(generation)
        documents = self._documents[_id(generation)]
        for put in batch.puts:
            if put.key in self.refuse:
                raise DocumentRefused(put.key, "it does not fit")
        conflicts = [
            put.key
            for put in batch.puts
            if put.revision != (documents[put.key].revision if put.key in documents else None)
        ]
        if conflicts:
            raise WriteConflict(conflicts)
        self.batches.append(batch)
        for put in batch.puts:
            revision = (put.revision or 0) + 1
            one = Stored(copy.deepcopy(put.document), dict(put.streams), revision)
            documents[put.key] = one
        for checkpoint in batch.checkpoints:
            self._checkpoints[_id(generation)][checkpoint.source] = checkpoint
        parked = self._parked[_id(generation)]
        parked.update({it.stream: it for it in batch.park})
        for stream in batch.unpark:
            parked.pop(stream, None)
        self._wake()
        if self.losing_answers:
            raise ReadStoreUnavailable("the answer was lost")

    async def checkpoints(self, generation: Generation) -> Mapping[str, Checkpoint]:
        self._answer()
        return dict(self._checkpoints[_id(generation)])

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        self._answer()
        return list(self._parked[_id(generation)].values())

    async def request(
        self, generation: Generation, stream: str, request: ParkedRequest, reason: str | None
    ) -> bool:
        parked = self._parked[_id(generation)]
        if stream not in parked:
            return False
        parked[stream] = replace(parked[stream], request=request, reason=reason)
        return True

    async def discard(self, discard: Discard) -> None:
        self._discards[discard.projection, discard.stream, discard.version] = discard

    async def discards(self, projection: str) -> Sequence[Discard]:
        return [one for one in self._discards.values() if one.projection == projection]

    async def set_paused(self, projection: str, paused: bool) -> None:
        (self._paused.add if paused else self._paused.discard)(projection)

    async def is_paused(self, projection: str) -> bool:
        return projection in self._paused

    @asynccontextmanager
    async def rebuilding(self, projection: str) -> AsyncIterator[None]:
        if projection in self._rebuilding:
            raise RebuildUnderWay(projection)
        self._rebuilding.add(projection)
        try:
            yield
        finally:
            self._rebuilding.discard(projection)

    async def begin_rebuild(
        self, document_type: DocumentType, fingerprint: str, *, total: int, lease_seconds: float
    ) -> Generation:
        made = await self.create_generation(document_type, fingerprint)
        await self.report_rebuild(made, "loading", done=0, total=total, lease_seconds=lease_seconds)
        return made

    async def report_rebuild(
        self,
        generation: Generation,
        phase: RebuildPhase,
        *,
        done: int,
        total: int,
        lease_seconds: float,
    ) -> None:
        if self._state(generation) != "active":
            until = datetime.now(UTC) + timedelta(seconds=lease_seconds)
            before = self._rebuilds.get(_id(generation))
            acknowledged = before is not None and before.acknowledged
            self._rebuilds[_id(generation)] = Rebuild(
                generation, phase, done, total, until, acknowledged
            )

    async def acknowledge_rebuild(self, generation: Generation) -> None:
        if _id(generation) in self._rebuilds:
            rebuild = self._rebuilds[_id(generation)]
            self._rebuilds[_id(generation)] = replace(rebuild, acknowledged=True)

    async def end_rebuild(self, generation: Generation) -> None:
        self._rebuilds.pop(_id(generation), None)

    async def rebuilds(self, projection: str) -> Sequence[Rebuild]:
        self._answer()
        return [one for (name, _), one in sorted(self._rebuilds.items()) if name == projection]

    @asynccontextmanager
    async def load_in_bulk(self, generation: Generation) -> AsyncIterator[MemoryProjectionStore]:
        yield self

    async def scan(
        self, generation: Generation, *, after: str | None = None, limit: int = 1000
    ) -> Sequence[Scanned]:
        documents = self._documents[_id(generation)]
        keys = [key for key in sorted(documents) if after is None or key > after]
        return [
            Scanned(
                key,
                documents[key].streams,
                None if documents[key].document is None else json.dumps(documents[key].document),
            )
            for key in keys[:limit]
        ]

    def _state(self, generation: Generation) -> str:
        for one in self._generations:
            if _id(one) == _id(generation):
                return one.state
        raise UnknownGeneration(str(generation))

    async def wait_for_write(self, projection: str, timeout: float) -> None:  # noqa: ASYNC109
        written = self._written
        try:
            async with asyncio.timeout(timeout):
                await written.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._written.set()
        self._written = asyncio.Event()

    def _answer(self) -> None:
        if self.unavailable:
            raise ReadStoreUnavailable("the read store is away")


def _id(generation: Generation) -> tuple[str, int]:
    return generation.projection, generation.number


def _switched(one: Generation, to: Generation) -> Generation:
    if one.number == to.number:
        return replace(one, state="active")
    return replace(one, state="retired") if one.state == "active" else one
