"""Reads the event store for the relay, and makes records of its events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from contracts.registry import PUBLISHED
from event_store.composite import part_for
from event_store.errors import InvalidPosition
from event_store.kafka.envelope import Place, Record, place_of, record_at
from event_store.kafka.topics import Topics
from event_store.parking import INFRASTRUCTURE_ERRORS
from event_store.partitions import Mark, Partition
from event_store.port import Delivery, EventStore, Position
from event_store.renewal import RenewsIdentity
from event_store.tasks import stop

_BATCH = 1000
_LOOK_SECONDS = 1.0
"""Between two looks at the identity of the store: a restore may renew it."""
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
_REMIND_FAILURES = 8
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of events in order, maybe none, and how far that brings the relay."""

    records: list[Record]
    mark: Mark
    newest: datetime | None
    """When the last of the events was recorded."""


class EventReader:
    """Reads from a mark on; outages of the event store are waited out.

    If the mark is not of the store that is there now (it was replaced or restored), or the store
    does not reach as far, all is read from the beginning: readers pass over what they have. A store
    whose end was lost is given another identity, if it can be, for new events get positions that
    readers have seen.
    """

    def __init__(self, events: EventStore, topics: Topics, mark: Mark | None) -> None:
        """Prepare; `run` reads. `topics` must have been prepared, `mark` be in their terms."""
        self._events = events
        self._topics = topics
        self._store = mark.store if mark else None
        self._position = mark.position if mark else None
        self._last: dict[Partition, Position] = dict(mark.last) if mark else {}
        self.trouble: str | None = None
        """What holds it up; None: nothing does."""

    async def run(self, put: Callable[[Batch], Awaitable[None]]) -> None:
        """Hand over all events, in order, until cancelled."""
        failures = 0
        while True:
            before = self._position
            try:
                await self._follow(put)
            except INFRASTRUCTURE_ERRORS as error:
                failures = failures + 1 if self._position == before else 1
                self._say(error, failures)
                await asyncio.sleep(_delay(failures))

    async def _follow(self, put: Callable[[Batch], Awaitable[None]]) -> None:
        """Hand over what follows, until something fails or the store has another identity."""
        store = await self._identify()
        delivering = asyncio.create_task(self._deliver(store, put))
        try:
            while not (await asyncio.wait({delivering}, timeout=_LOOK_SECONDS))[0]:
                if await self._events.identity() != store:
                    return
            delivering.result()
        except InvalidPosition:
            await self._mind_lost_end(store)
        finally:
            await stop(delivering)

    async def _deliver(self, store: str, put: Callable[[Batch], Awaitable[None]]) -> None:
        deliveries = self._events.subscribe(
            after=self._position, categories=PUBLISHED, batch=_BATCH
        )
        async with aclosing(deliveries):
            async for delivery in deliveries:
                batch = self._batch(delivery, store)
                if self.trouble is not None:
                    _log.info("the relay reads the event store again")
                    self.trouble = None
                await put(batch)

    async def _identify(self) -> str:
        identity = await self._events.identity()
        if self._store not in {None, identity}:
            self._begin_anew("the event store is another one than was published before")
        self._store = identity
        return identity

    async def _mind_lost_end(self, store: str) -> None:
        """Let nobody take new events, at positions that lost ones had, for those."""
        events, position, renewed = self._events, self._position, False
        if isinstance(events, RenewsIdentity) and position is not None:
            # Where it is no position at all, that says nothing of the store.
            with suppress(InvalidPosition):
                renewed = await events.renew_where_lost(store, position)
        if renewed:
            _log.error(
                "the event store has lost events that were published, and so has another identity "
                "now: all read models are built anew, and consistency tokens given out are void",
                position=position,
            )
        else:
            self._begin_anew("the event store does not reach as far as was published")

    def _begin_anew(self, why: str) -> None:
        _log.warning(f"{why}: all of it is published from its beginning")
        self._position, self._last = None, {}

    def _batch(self, delivery: Delivery, store: str) -> Batch:
        # Only kept when all is well: a damaged event may end this half-way.
        places, records = dict[Partition, Place](), list[Record]()
        for event in delivery.events:
            partition = self._topics.partition_of(event.stream)
            if partition is None:
                continue
            place = places.get(partition)
            if place is None:
                place = places[partition] = self._place(partition, store)
            position = event.position
            records.append(record_at(place, event, position))
            place.previous = position
        last = {partition: place.previous for partition, place in places.items() if place.previous}
        self._position, self._last = delivery.position, {**self._last, **last}
        newest = delivery.events[-1].recorded_at if delivery.events else None
        return Batch(records, Mark(store, delivery.position, self._last), newest)

    def _place(self, partition: Partition, store: str) -> Place:
        own_store = part_for(store, partition.category)
        return place_of(partition, own_store, self._last.get(partition), self._topics)

    def _say(self, error: Exception, failures: int) -> None:
        self.trouble = f"the event store can't be read: {error}"
        if failures % _REMIND_FAILURES == 1:
            _log.warning("the relay can't read the event store and tries again", error=str(error))


def _delay(failures: int) -> float:
    longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(failures, 16))
    return longest * random.uniform(0.5, 1)  # noqa: S311
