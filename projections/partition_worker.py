"""Keeps one projection up to date in the partitions that this process owns."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog

from event_store.errors import EventStoreUnavailable
from event_store.partitions import Mark, NumberOf, Partition, Published
from event_store.port import EventStore, Position
from projections.generations import active_of, fitting_generation, generation_to_write
from projections.partition_feed import PartitionFeed
from projections.projector import AnyProjector
from projections.shown import shows_all, what_is_shown
from projections.worker import (
    FIRST_DELAY,
    LONGEST_DELAY,
    POLL_SECONDS,
    Session,
    Switched,
    Worker,
)
from read_side.port import Generation, ReadStoreUnavailable, WriteConflict
from read_side.rebuild_port import RebuildStore, RebuildUnderWay

MARK_SECONDS = 0.5
"""How often, at most, partitions without events are moved up to what the relay has published."""

log = structlog.get_logger(__name__)


class PartitionWorker(Worker):
    """One of several owners of a projection, each of its partitions.

    All write to the same generations: what one of them may do alone, such as making a generation
    and activating it, is done under the right to rebuild.
    """

    def __init__(
        self,
        event_store: EventStore,
        projection_store: RebuildStore,
        projector: AnyProjector,
        number_of: NumberOf,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        super().__init__(event_store, projection_store, projector, poll_seconds=poll_seconds)
        self._number_of = number_of
        self._owned: frozenset[Partition] | None = None
        self._mark: Mark | None = None
        self._feeds: dict[int, PartitionFeed] = {}
        """By the number of the generation."""
        self._leading = 0
        """The number of the generation that is not followed for a rebuild only."""
        self._heads: dict[int, Position | None] = {}
        """What was recorded when a generation began to be followed, by its number."""
        self._attended = asyncio.Event()
        """Set unless there is trouble with the stores, so that what is delivered has to wait."""

    @property
    def caught_up(self) -> bool:
        """Whether nothing has to be read from the event store, or the projection is paused."""
        if not self._unpaused.is_set():
            return True
        feed = self._feeds.get(self._leading)
        return self._owned is not None and feed is not None and feed.caught_up

    @property
    def positions(self) -> Mapping[str, str]:
        """How far each partition owned has come in the generation that is followed."""
        feed = self._feeds.get(self._leading)
        return {} if feed is None else feed.positions

    async def stop(self) -> None:
        """Finish the batch at hand, then stand still."""
        await super().stop()
        self._attended.set()

    def own(self, partitions: frozenset[Partition]) -> None:
        """These partitions, and no others, from now on."""
        self._owned = partitions
        for feed in self._feeds.values():
            feed.own(partitions)

    def published(self, mark: Mark) -> None:
        """The relay has come this far."""
        self._mark = mark

    async def take(self, published: Sequence[Published]) -> None:
        """Return when what extends a partition is durable; trouble with the stores is waited out.

        A projection that stands still, or starts again, reads from the event store what it missed.
        One that is not made from any of the events keeps nobody waiting.
        """
        categories = self._projector.categories
        ours = [one for one in published if one.partition.category in categories]
        while ours and self._unpaused.is_set():
            await self._attended.wait()
            for number, feed in tuple(self._feeds.items()):
                await self._take(number, feed, ours)
            if self._attended.is_set():
                return

    async def _take(self, number: int, feed: PartitionFeed, published: Sequence[Published]) -> None:
        delay = FIRST_DELAY
        while self._unpaused.is_set():
            try:
                async with self._busy:
                    if self._feeds.get(number) is feed:
                        await feed.take(published)
            except (EventStoreUnavailable, ReadStoreUnavailable, WriteConflict) as error:
                log.warning(
                    "projection waits: a store does not answer",
                    projection=self._name,
                    errors=[str(error)],
                    again_in=delay,
                )
            except Exception as error:  # noqa: BLE001 one projection's trouble must not end the others
                feed.fail(error)
                return
            else:
                return
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 no secret
            delay = min(delay * 2, LONGEST_DELAY)

    def _owns(self, stream: str) -> bool:
        return any(feed.owns(stream) for feed in self._feeds.values())

    async def _is_paused(self) -> bool:
        paused = await super()._is_paused()
        if paused:
            self._attended.set()
        return paused

    async def _session(self) -> None:
        try:
            await super()._session()
        except* (EventStoreUnavailable, ReadStoreUnavailable):
            if not self._stopping:
                self._attended.clear()
            raise
        except* Exception:  # whatever it is, the other projections don't wait for it
            self._attended.set()
            raise

    async def _generation(self) -> Generation:
        while True:
            fitting = await fitting_generation(self._events, self._store, self._projector)
            if fitting is not None:
                return fitting
            try:
                async with self._store.rebuilding(self._name):
                    return await generation_to_write(self._events, self._store, self._projector)
            except RebuildUnderWay:
                self._attended.set()  # It takes as long as it takes, and nothing is to be done.
                await asyncio.sleep(self._poll_seconds)

    async def _follow(self, session: Session) -> None:
        number = session.generation.number
        feed = PartitionFeed(
            session.engine,
            session.generation,
            self._events,
            self._store,
            self._projector.categories,
            session.store,
            self._number_of,
        )
        self._heads[number] = await self._events.head()
        feed.own(self._owned or ())
        self._feeds[number] = feed
        if not session.beside:
            self._leading = number
        try:
            await self._while_paused()
            self._attended.set()
            while True:
                await self._bring_forward(session, feed)
                self._delay = FIRST_DELAY
                with suppress(TimeoutError):
                    async with asyncio.timeout(MARK_SECONDS):
                        await feed.wake.wait()
                feed.wake.clear()
                if not self._unpaused.is_set():
                    await self._unpaused.wait()
                    log.info("projection goes on", projection=self._name)
                    feed.read_anew()
        finally:
            del self._feeds[number], self._heads[number]

    async def _bring_forward(self, session: Session, feed: PartitionFeed) -> None:
        more = True
        while more and self._unpaused.is_set():
            if feed.failure is not None:
                raise feed.failure
            async with self._busy:
                more = await feed.read_on()
        mark = self._mark
        if mark is not None and self._unpaused.is_set():
            if mark.store != session.store and await self._events.identity() != session.store:
                raise Switched
            async with self._busy:
                await feed.advance(mark)
        if self._owned is not None and feed.caught_up:
            await self._came_up(session)

    async def _came_up(self, session: Session) -> None:
        if not session.beside:
            session.caught_up = True
            self.ready.set()
        elif not session.caught_up and await self._is_whole(session):
            await self._store.acknowledge_rebuild(session.generation)
            session.caught_up = True

    async def _is_whole(self, session: Session) -> bool:
        """Whether the owners of all partitions follow the generation, and have come far enough."""
        shown = await what_is_shown(self._store, session.generation, self._number_of)
        categories, head = self._projector.categories, self._heads[session.generation.number]
        return shown.are_joined(categories) and await shows_all(
            self._events, shown, categories, head
        )

    async def _serve(self, session: Session) -> None:
        if session.serving or not session.caught_up or not await self._is_whole(session):
            return
        with suppress(RebuildUnderWay):
            async with self._store.rebuilding(self._name):
                active = active_of(await self._store.generations(self._name))
                if active is not None and active.number == session.generation.number:
                    session.serving = True
                elif active is None or not await self._is_ours(active):
                    await super()._serve(session)
