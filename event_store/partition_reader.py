"""Brings a subscriber forward in the partitions that its process owns."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from contracts.registry import category_of
from event_store.composite import part_for, start_after
from event_store.partitions import Mark, NumberOf, Partition, Published
from event_store.port import EventStore, RecordedEvent

NOTHING = ""
"""The position before all others."""
PAGE = 1_000
"""Events that are read at once where a partition is caught up with."""
STALLED_SECONDS = 5.0
"""A partition that stands still so long before what the relay has published is read from the event
store: what is missing may never be delivered."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Place:
    """How far a partition has come."""

    position: str = NOTHING
    """All its events up to here are handled, or parked."""
    known: bool = False
    due: bool = True
    """Whether what comes next has to be read from the event store."""
    joined: bool = False
    """Whether its position was set from here."""
    stood_at: str | None = None
    stood_since: float = 0.0


class PartitionReader(ABC):
    """The partitions owned, fed by what is delivered and by the event store.

    A partition's position is the truth of it. What is delivered extends it if nothing lies in
    between; otherwise, as after an assignment, the partition is due: it is read from the event
    store, and what is delivered beyond is left to that. So it does not matter what is delivered
    again, late, or never. Coroutines must not overlap; the other methods may be called any time.
    """

    def __init__(
        self,
        subscriber: str,
        events: EventStore,
        categories: Collection[str],
        identity: str,
        number_of: NumberOf,
        *,
        page: int | None = None,
    ) -> None:
        self.wake = asyncio.Event()
        """Set when there may be something to read."""
        self._subscriber = subscriber
        self._events = events
        self._identity = identity
        self._number_of = number_of
        self._page = page or PAGE
        self._stores = {category: part_for(identity, category) for category in categories}
        self._places: Mapping[Partition, Place] = {}
        self._forgotten = True

    @abstractmethod
    async def recall(self, partitions: Collection[Partition]) -> Mapping[Partition, str]:
        """Read anew what others may have written, and how far these partitions have come."""

    @abstractmethod
    async def process(
        self, events: Sequence[RecordedEvent], moved: Mapping[Partition, str]
    ) -> None:
        """Handle the events; the partitions then have come so far."""

    @property
    def caught_up(self) -> bool:
        """Whether no partition is to be read from the event store."""
        return not any(place.due for place in self._places.values())

    @property
    def positions(self) -> Mapping[str, str]:
        """How far each partition owned has come, as far as that was read already."""
        return {str(it): place.position for it, place in self._places.items() if place.known}

    def own(self, partitions: Iterable[Partition]) -> None:
        """These partitions, and no others, from now on; others may have written them before."""
        ours = sorted(it for it in partitions if it.category in self._stores)
        self._places = {it: self._places.get(it) or Place() for it in ours}
        self._forgotten = True
        self.wake.set()

    def read_anew(self) -> None:
        """Let all partitions be read from the event store, from where they are."""
        for place in self._places.values():
            place.due = True
        self.wake.set()

    def owns(self, stream: str) -> bool:
        """Whether the stream is in a partition owned."""
        return self.place_of(stream) is not None

    def place_of(self, stream: str) -> Place | None:
        """How far the partition that the stream is in has come; None: it is not owned."""
        counts = {it.category: it.of for it in self._places}
        return self._places.get(self._partition_of(stream, counts))

    async def take(self, published: Sequence[Published]) -> None:
        """Handle what extends a partition, and nothing else.

        Raises: as `recall` and `process`.
        """
        await self._recall()
        places, reached, events = self._places, dict[Partition, str](), list[RecordedEvent]()
        for one in published:
            place = places.get(one.partition)
            if place is None or one.store != self._stores[one.partition.category]:
                continue
            position = reached.get(one.partition, place.position)
            if one.event.position <= position:
                continue
            if one.previous is not None and one.previous > position:
                place.due = True
                self.wake.set()
                continue
            events.append(one.event)
            reached[one.partition] = one.event.position
        await self._process(places, events, reached)

    async def read_on(self) -> bool:
        """Read a page of what is due from the event store; whether more is left.

        Raises:
            InvalidPosition: the event store has lost what is handled. And as `recall`, `process`.
        """
        await self._recall()
        places = {it: place for it, place in self._places.items() if place.due}
        if not places:
            return False
        least: dict[str, str] = {}
        for it, place in places.items():
            least[it.category] = min(least.get(it.category, place.position), place.position)
        page = await self._events.read_all(
            after=start_after(self._identity, least), categories=sorted(least), limit=self._page
        )
        counts = {it.category: it.of for it in places}
        events = [
            event
            for event in page.events
            if (it := self._partition_of(event.stream, counts)) in places
            and event.position > places[it].position
        ]
        reached = {
            it: max(place.position, part_for(page.position, it.category))
            for it, place in places.items()
        }
        await self._process(places, events, reached)
        if page.at_end:
            for place in places.values():
                place.due = False
        return not page.at_end

    async def advance(self, mark: Mark) -> None:
        """Move partitions that hold nothing more up to a mark; those that lack something are due.

        Raises: as `recall` and `process`.
        """
        if mark.store != self._identity:
            return
        await self._recall()
        places, reached, now = self._places, dict[Partition, str](), time.monotonic()
        counts = _counts(mark)
        for it, place in places.items():
            to = part_for(mark.position, it.category)
            # What a mark says of partitions counted otherwise says nothing of this one.
            agrees = counts.get(it.category, {it.of}) >= {it.of}
            if place.position >= (mark.last.get(it, NOTHING) if agrees else to):
                reached[it] = max(place.position, to)
            else:
                self._watch(it, place, now)
        await self._process(places, (), reached)

    def _watch(self, partition: Partition, place: Place, now: float) -> None:
        if place.stood_at != place.position:
            place.stood_at, place.stood_since = place.position, now
        elif now - place.stood_since > STALLED_SECONDS:
            log.warning(
                "events were published and not delivered; they are read from the event store",
                subscriber=self._subscriber,
                partition=str(partition),
                position=place.position,
            )
            place.stood_since, place.due = now, True
            self.wake.set()

    async def _recall(self) -> None:
        while self._forgotten:
            self._forgotten, places = False, self._places
            try:
                unknown = [it for it, place in places.items() if not place.known]
                recalled = await self.recall(unknown)
            except BaseException:
                self._forgotten = True
                raise
            for it in unknown:
                places[it].position, places[it].known = recalled[it], True

    async def _process(
        self,
        places: Mapping[Partition, Place],
        events: Sequence[RecordedEvent],
        reached: Mapping[Partition, str],
    ) -> None:
        """Handle the events, and move the partitions that go forward with them."""
        moved = {
            it: position
            for it, position in reached.items()
            if position > places[it].position or not places[it].joined
        }
        if not events and not moved:
            return
        await self.process(events, moved)
        for it, position in moved.items():
            places[it].position, places[it].joined = position, True

    def _partition_of(self, stream: str, counts: Mapping[str, int]) -> Partition:
        category = category_of(stream)
        of = counts.get(category, 0)
        return Partition(category, of, self._number_of(stream, of) if of else 0)


def _counts(mark: Mark) -> Mapping[str, set[int]]:
    """How many partitions the mark speaks of, by category."""
    counts: dict[str, set[int]] = {}
    for it in mark.last:
        counts.setdefault(it.category, set()).add(it.of)
    return counts
