"""A relay, its topics and a group of consumers in memory: what feeds partitions, as a fake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from zlib import crc32

from contracts.registry import PUBLISHED, category_of
from event_store.composite import part_for
from event_store.partitions import Mark, Partition, PartitionHandler, Published
from event_store.port import EventStore, Position

OF = {"order": 3, "product": 2, "stock": 2, "user": 1}
ALL = frozenset(
    Partition(category, of, number) for category, of in OF.items() for number in range(of)
)


def number_of(stream: str, of: int) -> int:
    return crc32(stream.encode()) % of


def partition_of(stream: str) -> Partition:
    category = category_of(stream)
    return Partition(category, OF[category], number_of(stream, OF[category]))


class Topics:
    """What a relay has published of an event store."""

    def __init__(self, events: EventStore) -> None:
        self.logs: dict[Partition, list[Published]] = {it: [] for it in ALL}
        self.mark: Mark | None = None
        self.changed = asyncio.Event()
        self._events = events
        self._last: dict[Partition, Position] = {}

    async def publish(self, limit: int = 500) -> bool:
        """Publish the next events and a mark; whether there were any."""
        after = None if self.mark is None else self.mark.position
        page = await self._events.read_all(after=after, categories=PUBLISHED, limit=limit)
        identity = await self._events.identity()
        for event in page.events:
            it = partition_of(event.stream)
            store = part_for(identity, event.stream)
            self.logs[it].append(Published(event, it, store, self._last.get(it)))
            self._last[it] = event.position
        self.mark = Mark(identity, page.position, dict(self._last))
        self.changed.set()
        self.changed = asyncio.Event()
        return bool(page.events)

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Publish all the time."""

        async def publish() -> None:
            while True:
                await self.publish()
                await asyncio.sleep(0.005)  # the fake's own turn: nothing tells of a new event

        task = asyncio.create_task(publish())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


@dataclass(eq=False)
class Member:
    """A process of the group: gets what is published in its partitions."""

    handler: PartitionHandler
    owned: frozenset[Partition] = frozenset()
    calling: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class Group:
    """Shares the partitions among its members and remembers what they have handled."""

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self.offsets: dict[Partition, int] = dict.fromkeys(ALL, 0)
        self.members: list[Member] = []

    async def join(self, handler: PartitionHandler) -> Member:
        member = Member(handler)
        self.members.append(member)
        await self._rebalance()
        member.task = asyncio.create_task(self._feed(member))
        return member

    async def leave(self, member: Member) -> None:
        """Gone at once, whatever it was doing."""
        self.members.remove(member)
        if member.task is not None:
            member.task.cancel()
            with suppress(asyncio.CancelledError):
                await member.task
        await self._rebalance()

    async def _rebalance(self) -> None:
        for member in self.members:
            async with member.calling:
                member.owned = frozenset()
                await member.handler.own(member.owned)
        for number, member in enumerate(self.members):
            mine = frozenset(sorted(ALL)[number :: len(self.members)])
            async with member.calling:
                member.owned = mine
                await member.handler.own(mine)

    async def _feed(self, member: Member) -> None:
        while True:
            changed = self.topics.changed
            async with member.calling:
                batch = self._next(member.owned)
                events = [one for them in batch.values() for one in them]
                if events:
                    await member.handler.handle(events)
                for it, them in batch.items():
                    self.offsets[it] += len(them)
            if self.topics.mark is not None:
                member.handler.published(self.topics.mark)
            if events:
                await asyncio.sleep(0)
            else:
                await changed.wait()

    def _next(self, owned: frozenset[Partition]) -> Mapping[Partition, list[Published]]:
        return {
            it: self.topics.logs[it][self.offsets[it] :][:20]
            for it in sorted(owned)
            if len(self.topics.logs[it]) > self.offsets[it]
        }
