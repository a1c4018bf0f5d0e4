"""Whatever is delivered, and whoever owns what: no checkpoint covers what is not shown."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.parked import ParkedStream
from contracts.registry import category_of
from event_store import partition_reader as feed_module
from event_store.errors import EventStoreUnavailable
from event_store.partitions import Mark, Partition, Published
from event_store.port import Position, RecordedEvent
from projections.catalogue import PROJECTORS
from projections.engine import Engine
from projections.partition_feed import PartitionFeed
from projections.projector import AnyProjector
from projections.shown import what_is_shown
from read_side.port import Generation, ReadStoreUnavailable, WriteConflict
from tests.support.aggregates import AT
from tests.support.partitions import ALL, Topics, number_of, partition_of
from tests.support.projections import STORE, interleaved, stored, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore
from tests.unit.projections.test_any_delivery import shops

NEWER = stored("OrderConfirmed", schema_version=9, total="1")
UNKNOWN = stored("Unheard")
TROUBLE = (EventStoreUnavailable, ReadStoreUnavailable, WriteConflict)


class SlowStore(MemoryProjectionStore):
    """Lets others in between its steps, and fails now and then."""

    chance = random.Random(0)
    failing = 0.0

    async def load(self, *args: Any) -> Any:
        await self._turn()
        return await super().load(*args)

    async def write(self, *args: Any) -> None:
        await self._turn()
        self.losing_answers = self.chance.random() < self.failing / 2
        try:
            await super().write(*args)
        finally:
            self.losing_answers = False

    async def _turn(self) -> None:
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        if self.chance.random() < self.failing:
            raise ReadStoreUnavailable("not now")


class World:
    """Stores, topics, and some processes that feed the same generation."""

    def __init__(self, projector: AnyProjector, store: MemoryProjectionStore) -> None:
        self.projector = projector
        self.events = MemoryEventStore()
        self.store = store
        self.topics = Topics(self.events)
        self.marks: list[Mark] = []
        self.recorded: list[RecordedEvent] = []
        self.generation: Generation

    async def begin(self) -> None:
        self.generation = await self.store.create_generation(self.projector.document_type, "f")

    def process(self) -> PartitionFeed:
        engine = Engine(self.projector, self.generation, self.events, self.store, now=lambda: AT)
        return PartitionFeed(
            engine,
            self.generation,
            self.events,
            self.store,
            self.projector.categories,
            STORE,
            number_of,
        )

    def record(self, *events: RecordedEvent) -> list[RecordedEvent]:
        recorded = self.events.record(*events)
        self.recorded += recorded
        return recorded

    async def publish(self, limit: int = 500) -> None:
        await self.topics.publish(limit)
        assert self.topics.mark is not None
        self.marks.append(self.topics.mark)

    async def check(self) -> None:
        """All that is covered is shown, or its stream is parked before it."""
        shown = await what_is_shown(self.store, self.generation, number_of)
        streams = self.store.streams(self.generation)
        parked = {it.stream: it.version for it in await self.store.parked(self.generation)}
        for event in self.recorded:
            if category_of(event.stream) not in self.projector.categories:
                continue
            key = self.projector.key_of(event.stream) or str(event.id)
            has = streams.get(key, {}).get(event.stream, -1) >= event.version
            waits = parked.get(event.stream, event.version + 1) <= event.version
            assert has or waits or not shown.covers(event.stream, event.position), event

    async def outcome(self) -> tuple[Any, Any, set[tuple[str, int]]]:
        parked: Sequence[ParkedStream] = await self.store.parked(self.generation)
        return (
            self.store.documents(self.generation),
            self.store.streams(self.generation),
            {(it.stream, it.version) for it in parked},
        )

    async def at_rest(self) -> Any:
        """What a replay of everything makes, by itself."""
        other = World(self.projector, MemoryProjectionStore())
        await other.begin()
        other.events = self.events
        process = other.process()
        process.own(ALL)
        while await process.read_on():
            pass
        return await other.outcome()


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(feed_module, "PAGE", 5)


async def world_of(name: str, store: MemoryProjectionStore | None = None) -> World:
    world = World(PROJECTORS[name], store or MemoryProjectionStore())
    await world.begin()
    return world


async def run_into(world: World, chance: random.Random) -> None:
    """Two processes, which may both believe to own a partition; one is killed now and then."""
    processes = [world.process(), world.process()]

    async def one_step(number: int) -> None:
        process = processes[number]
        what = chance.choice(["deliver", "deliver", "deliver", "read", "advance", "own", "kill"])
        if what == "own":
            process.own(it for it in ALL if chance.random() < 0.6)
        elif what == "kill":
            processes[number] = world.process()
            processes[number].own(it for it in ALL if chance.random() < 0.6)
        elif what == "read":
            await process.read_on()
        elif what == "advance" and world.marks:
            await process.advance(chance.choice(world.marks[-3:]))
        elif what == "deliver":
            await process.take(any_batch(world, chance))

    left = list(world.recorded)
    world.recorded.clear()
    while left:
        size = chance.randint(1, 4)
        world.record(*left[:size])
        left = left[size:]
        if chance.random() < 0.7:
            await world.publish(chance.randint(1, 8))
        for _ in range(chance.randint(1, 3)):
            done = await asyncio.gather(one_step(0), one_step(1), return_exceptions=True)
            assert not [it for it in done if it is not None and not isinstance(it, TROUBLE)], done
            await world.check()


def any_batch(world: World, chance: random.Random) -> list[Published]:
    """Runs of what was published, beginning anywhere."""
    batch: list[Published] = []
    for log in chance.sample(sorted(world.topics.logs.items()), 4):
        begin = chance.randint(max(0, len(log[1]) - 4), len(log[1]))
        batch += log[1][begin : begin + chance.randint(1, 4)]
    return batch


async def finish(world: World) -> None:
    last = world.process()
    last.own(ALL)
    while await last.read_on():
        await world.check()
    assert last.caught_up


@pytest.mark.parametrize("name", ["order_details", "event_log", "stock_levels"])
@settings(max_examples=25, deadline=None)
@given(shop=shops, poison=st.integers(0, 9), seed=st.integers(0, 2**32))
def test_any_course_of_things_then_documents_equal_a_replay_at_rest(name, shop, poison, seed):
    chance = random.Random(seed)
    streams = {key: [*what, NEWER] if poison == number else what
               for number, (key, what) in enumerate(sorted(shop.items()))}  # fmt: skip
    events = interleaved([e for key, what in streams.items() for e in stream(key, *what)], chance)

    async def course() -> tuple[Any, Any]:
        store = SlowStore()
        store.chance, store.failing = chance, 0.1
        world = await world_of(name, store)
        world.recorded = events
        await run_into(world, chance)
        store.failing = 0.0
        await finish(world)
        return await world.outcome(), await world.at_rest()

    reached, clean = asyncio.run(course())
    assert reached == clean


async def test_first_assignment_when_events_come_first_then_they_are_left_to_the_event_store():
    world = await world_of("event_log")
    recorded = world.record(*stream("order-1", UNKNOWN, UNKNOWN, UNKNOWN))
    await world.publish()
    process = world.process()
    process.own(ALL)
    await process.take(world.topics.logs[partition_of("order-1")][2:])
    assert world.store.documents(world.generation) == {}
    assert not await process.read_on()
    assert len(world.store.documents(world.generation)) == 3
    assert process.positions[str(partition_of("order-1"))] == recorded[-1].position


async def settled(world: World) -> PartitionFeed:
    process = world.process()
    process.own(ALL)
    assert not await process.read_on()
    assert process.caught_up
    return process


async def test_delivered_in_order_then_shown_without_the_event_store():
    world = await world_of("event_log")
    process = await settled(world)
    recorded = world.record(*stream("order-1", UNKNOWN, UNKNOWN))
    await world.publish()
    world.events.unavailable = True
    await process.take(world.topics.logs[partition_of("order-1")])
    assert len(world.store.documents(world.generation)) == 2
    shown = await what_is_shown(world.store, world.generation, number_of)
    assert shown.covers("order-1", recorded[-1].position)
    assert process.caught_up


async def test_delivered_again_then_nothing_is_written():
    world = await world_of("event_log")
    process = await settled(world)
    world.record(*stream("order-1", UNKNOWN))
    await world.publish()
    await process.take(world.topics.logs[partition_of("order-1")])
    written = len(world.store.batches)
    await process.take(world.topics.logs[partition_of("order-1")])
    assert len(world.store.batches) == written


async def test_one_skipped_then_the_checkpoint_stands_until_it_is_read():
    world = await world_of("event_log")
    process = await settled(world)
    first, second = world.record(*stream("order-1", UNKNOWN, UNKNOWN))
    await world.publish()
    await process.take(world.topics.logs[partition_of("order-1")][1:])
    shown = await what_is_shown(world.store, world.generation, number_of)
    assert not shown.covers("order-1", first.position)
    assert not process.caught_up
    assert process.wake.is_set()
    await process.read_on()
    shown = await what_is_shown(world.store, world.generation, number_of)
    assert shown.covers("order-1", second.position)


@pytest.mark.parametrize("foreign", ["store", "partition"])
async def test_event_of_another_store_or_partition_then_passed_over(foreign):
    world = await world_of("event_log")
    process = await settled(world)
    (event,) = world.record(*stream("order-1", UNKNOWN))
    mine = partition_of("order-1")
    if foreign == "store":
        one = Published(event, mine, "another", None)
    else:
        one = Published(event, Partition("order", 9, 1), STORE, None)
    await process.take([one])
    assert world.store.documents(world.generation) == {}
    assert process.caught_up


async def test_mark_when_all_was_delivered_then_idle_partitions_follow_in_one_write():
    world = await world_of("event_log")
    process = await settled(world)
    (event,) = world.record(*stream("order-1", UNKNOWN))
    await world.publish()
    await process.take(world.topics.logs[partition_of("order-1")])
    written = len(world.store.batches)
    await process.advance(world.marks[-1])
    assert len(world.store.batches) == written + 1
    assert set(process.positions.values()) == {event.position}
    await process.advance(world.marks[-1])
    assert len(world.store.batches) == written + 1


async def test_mark_when_something_is_missing_then_read_after_a_while(monkeypatch):
    world = await world_of("event_log")
    process = await settled(world)
    before = process.positions
    (event,) = world.record(*stream("order-1", UNKNOWN))
    await world.publish()
    await process.advance(world.marks[-1])
    mine = str(partition_of("order-1"))
    assert process.positions[mine] == before[mine]
    assert process.caught_up
    monkeypatch.setattr(feed_module, "STALLED_SECONDS", 0.0)
    await process.advance(world.marks[-1])
    assert not process.caught_up
    await process.read_on()
    assert process.positions[mine] == event.position


@pytest.mark.parametrize("foreign", ["store", "counts"])
async def test_mark_of_another_store_or_of_other_partitions_then_nothing_moves(foreign):
    world = await world_of("event_log")
    process = await settled(world)
    before = process.positions
    world.record(*stream("order-1", UNKNOWN))
    position = Position("00000000000000000009")
    if foreign == "store":
        await process.advance(Mark("another", position, {}))
        assert process.positions == before
    else:
        await process.advance(Mark(STORE, position, {Partition("order", 9, 0): position}))
        mine = str(partition_of("order-1"))
        assert process.positions[mine] == before[mine]


async def test_taken_by_another_meanwhile_then_read_on_from_where_that_one_came():
    world = await world_of("event_log")
    process = await settled(world)
    process.own(frozenset())
    other = await settled(world)
    (event,) = world.record(*stream("order-1", UNKNOWN))
    await world.publish()
    await other.take(world.topics.logs[partition_of("order-1")])
    process.own(ALL)
    written = len(world.store.batches)
    await process.read_on()
    assert process.positions[str(partition_of("order-1"))] == event.position
    assert not [put for batch in world.store.batches[written:] for put in batch.puts]


async def test_parked_and_discarded_by_another_when_owned_again_then_it_is_known():
    world = await world_of("order_details")
    process = await settled(world)
    world.record(*stream("order-1", NEWER))
    await world.publish()
    await process.take(world.topics.logs[partition_of("order-1")])
    assert await world.store.parked(world.generation)
    process.own(frozenset())
    engine = Engine(world.projector, world.generation, world.events, world.store)
    await world.store.request(world.generation, "order-1", "discard", "known")
    await engine.carry_out_requests()
    process.own(ALL)
    world.record(*stream("order-1", UNKNOWN, first=1))
    await process.read_on()
    assert not await world.store.parked(world.generation)
    assert world.store.streams(world.generation) == {"1": {"order-1": 1}}


async def test_rebuilt_by_all_events_when_joined_then_every_partition_has_a_checkpoint():
    world = await world_of("order_details")
    process = await settled(world)
    shown = await what_is_shown(world.store, world.generation)
    assert shown.are_joined(["order"])
    assert set(process.positions) == {"order/0/3", "order/1/3", "order/2/3"}
    assert process.owns("order-1")
    assert not process.owns("user-1")
