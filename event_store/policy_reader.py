"""What a policy reads of its partitions, and how far it has come in each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from event_store.composite import part_for, start_after
from event_store.parking import Parking
from event_store.partition_reader import NOTHING, PartitionReader, Place
from event_store.partitions import NumberOf, Partition
from event_store.port import EventStore, RecordedEvent, SubscriptionStore

PAGE = 100
IDLE_SECONDS = 10.0
"""How often checkpoints are written that only move past events of other partitions."""


class HandedOver(Exception):
    """The partitions are not this process's any more: what is left is another's."""


class PolicyCheckpoints:
    """How far a policy has come: in each partition, and in all.

    Each is true for good, so of the two the further one counts.
    """

    def __init__(self, name: str, memory: SubscriptionStore, identity: str) -> None:
        self._name = name
        self._memory = memory
        self._identity = identity

    async def load(self, partition: Partition) -> str:
        """All events of the partition up to here are handled, or parked."""
        own = await self._memory.load_checkpoint(f"{self._name}/{partition}")
        whole = await self._memory.load_checkpoint(self._name)
        return max(part_for(it, partition.category) if it else NOTHING for it in (own, whole))

    async def save(self, partition: Partition, position: str) -> None:
        """Remember how far the partition has come."""
        to = start_after(self._identity, {partition.category: position})
        if to is not None:
            await self._memory.save_checkpoint(f"{self._name}/{partition}", to)

    async def save_whole(self, counts: Mapping[str, int]) -> None:
        """Remember what all partitions of these categories have reached, whoever owns them."""
        reached: dict[str, str] = {}
        for category, of in counts.items():
            each = [await self.load(Partition(category, of, number)) for number in range(of)]
            reached[category] = min(each)
        to = start_after(self._identity, reached)
        if to is not None:
            await self._memory.save_checkpoint(self._name, to)


class PolicyReader(PartitionReader):
    """Handles the events of the partitions owned, one after another."""

    def __init__(
        self,
        name: str,
        parking: Parking,
        events: EventStore,
        memory: SubscriptionStore,
        categories: Collection[str],
        identity: str,
        number_of: NumberOf,
    ) -> None:
        super().__init__(name, events, categories, identity, number_of, page=PAGE)
        self.identity = identity
        self._parking = parking
        self._checkpoints = PolicyCheckpoints(name, memory, identity)
        self._first = min(categories)
        self._saved: dict[Partition, str] = {}
        self._handled = False
        self._idle_saved = time.monotonic()
        self._letting_go = False

    def own(self, partitions: Iterable[Partition]) -> None:
        """These partitions, and no others, from now on; each is read from where it is."""
        super().own(partitions)
        self._saved = {it: at for it, at in self._saved.items() if it in self._places}
        self._letting_go = False
        self.read_anew()

    def let_go(self) -> None:
        """Begin no other event until it is said what is owned."""
        self._letting_go = True

    async def recall(self, partitions: Collection[Partition]) -> Mapping[Partition, str]:
        """Where whoever owned these partitions has ended, and what is parked in them."""
        await self._parking.load(self.owns)
        recalled = {it: await self._checkpoints.load(it) for it in partitions}
        self._saved.update(recalled)
        return recalled

    async def process(
        self, events: Sequence[RecordedEvent], moved: Mapping[Partition, str]
    ) -> None:
        """Handle the events, unless the partitions are handed over in between.

        Raises:
            HandedOver: they are. And what the parking calls transient.
        """
        owned = self._places
        for event in events:
            # A handler need not give way to others.
            await asyncio.sleep(0)
            if self._letting_go or self._places is not owned:
                raise HandedOver
            await self._parking.handle(event)
            self._handled = True
            if (place := self.place_of(event.stream)) is not None:
                place.position = max(place.position, event.position)

    def reached(self, stream: str) -> str | None:
        """Events of the stream up to here are handled; None: they are not ours."""
        place = self.place_of(stream)
        return place.position if place is not None and place.known else None

    def end_at(self, head: str) -> None:
        """Take all that is owned as handled up to the end of the event store."""
        for it, place in self._places.items():
            place.position, place.known = part_for(head, it.category), True
            self._saved.pop(it, None)

    async def save(self, *, idle: bool = True) -> None:
        """Keep how far the partitions have come, where it is not kept already.

        Args:
            idle: also where nothing was handled.
        """
        if not self._handled and not idle:
            return
        handled, self._handled = self._handled, False
        try:
            for it, place in self._places.items():
                await self._save(it, place)
        except BaseException:
            self._handled = handled
            raise

    async def save_now_and_then(self) -> None:
        """Keep how far they have come: soon if anything was handled, seldom otherwise."""
        now = time.monotonic()
        idle = now - self._idle_saved >= IDLE_SECONDS
        await self.save(idle=idle)
        if not idle:
            return
        self._idle_saved = now
        if any(it.category == self._first and it.number == 0 for it in self._places):
            counts = {it.category: it.of for it in self._places}
            if counts.keys() == self._stores.keys():
                await self._checkpoints.save_whole(counts)

    async def _save(self, partition: Partition, place: Place) -> None:
        position = place.position
        if place.known and position != self._saved.get(partition, NOTHING):
            await self._checkpoints.save(partition, position)
            self._saved[partition] = position
