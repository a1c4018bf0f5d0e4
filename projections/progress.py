"""Tells queries whether a read model already shows what a caller has just written."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from contracts.parked import ParkedStream
from contracts.registry import category_of
from event_store.errors import EventStoreUnavailable
from event_store.partitions import NumberOf
from event_store.port import NO_VERSION, EventStore
from projections.generations import active_of
from projections.looks import Looks
from projections.projector import AnyProjector
from projections.shown import Shown, what_is_shown
from projections.status import Projections
from read_side.port import ReadStoreError, ReadStoreUnavailable, Stored, WriteNotifier
from read_side.rebuild_port import RebuildStore

LONGEST_TURN = 0.05
"""Seconds after which to look again although no write was seen: others may have written."""

LOOK_SECONDS = 3.0
"""How long one look may take."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look at the generation that serves has found."""

    shown: Shown
    documents: Mapping[str, Stored]
    parked: Sequence[ParkedStream]


class ReadProgress:
    """Answers about the generations that serve queries, in plain values."""

    def __init__(
        self,
        event_store: EventStore,
        projection_store: RebuildStore,
        notifier: WriteNotifier,
        projectors: Mapping[str, AnyProjector],
        *,
        number_of: NumberOf | None = None,
    ) -> None:
        """Look at these stores; `number_of` tells a stream's partition, where owners have some.

        Without it, a projection that keeps no version of a stream is said to show an event only
        when all partitions of the category have come that far.
        """
        self._events = event_store
        self._store = projection_store
        self._notifier = notifier
        self._projectors = projectors
        self._number_of = number_of
        self._looks = {name: Looks(partial(self._see, name)) for name in projectors}
        self._status = Projections(event_store, projection_store, projectors, number_of=number_of)

    async def lag(self, projection: str) -> float | None:
        """Age in seconds of the oldest recorded event not shown; None when it can't be told."""
        try:
            return await self._status.lag(projection)
        except (EventStoreUnavailable, ReadStoreUnavailable):
            return None

    async def shows(
        self,
        projection: str,
        stream: str,
        version: int,
        position: str | None,
        timeout: float,  # noqa: ASYNC109 the limit is part of the question
    ) -> bool:
        """Whether the projection shows this version of the stream, within `timeout` seconds.

        True at once for a stream that the projection is not made from; False at once for one that
        is parked before that version, and when a store can't be asked.

        Args:
            projection: its name.
            stream: what was written to.
            version: the stream's version since.
            position: where the event store keeps that event; None if the caller does not know.
            timeout: how long to wait; 0 looks once.
        """
        projector = self._projectors[projection]
        if category_of(stream) not in projector.categories:
            return True
        try:
            answer = await self._look(projector, stream, version, position)
            if answer is None and timeout > 0:
                async with asyncio.timeout(timeout):
                    answer = await self._wait(projector, stream, version, position)
        except (TimeoutError, EventStoreUnavailable, ReadStoreError):
            return False
        return answer is True

    async def _wait(
        self, projector: AnyProjector, stream: str, version: int, position: str | None
    ) -> bool:
        while True:
            # Listen, then look, then wait: so no write in between goes unnoticed.
            written = asyncio.ensure_future(
                self._notifier.wait_for_write(projector.name, LONGEST_TURN)
            )
            try:
                await asyncio.sleep(0)
                answer = await self._look(projector, stream, version, position)
                if answer is not None:
                    return answer
                await written
            finally:
                written.cancel()

    async def _look(
        self, projector: AnyProjector, stream: str, version: int, position: str | None
    ) -> bool | None:
        """None: not yet."""
        key = projector.key_of(stream)
        seen = await self._looks[projector.name].at(key)
        if seen is None:
            return None
        document = None if key is None else seen.documents.get(key)
        if document is not None and document.streams.get(stream, NO_VERSION) >= version:
            return True
        if any(one.stream == stream and one.version <= version for one in seen.parked):
            return False
        if position is None:
            position = await self._position_of(stream, version)
        return True if position is not None and seen.shown.covers(stream, position) else None

    async def _position_of(self, stream: str, version: int) -> str | None:
        events = await self._events.read_stream(stream, first=version, last=version)
        return events[0].position if events else None

    async def _see(self, projection: str, keys: Collection[str]) -> _Seen | None:
        """What there is in the generation that serves; None where nothing can be said of it.

        A store that hangs ends the look, so that it does not keep the next one waiting.
        """
        async with asyncio.timeout(LOOK_SECONDS):
            return await self._seen(projection, keys)

    async def _seen(self, projection: str, keys: Collection[str]) -> _Seen | None:
        active = active_of(await self._store.generations(projection))
        if active is None:
            return None
        # In this order: what was parked before the checkpoint moved is still parked afterwards.
        shown = await what_is_shown(self._store, active, self._number_of)
        if not shown.is_of(await self._events.identity()):
            return None
        documents, parked = await asyncio.gather(
            self._store.load(active, list(keys)), self._store.parked(active)
        )
        return _Seen(shown, documents, parked)
