"""From arrivals to handled events, without Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager

import pytest

from event_store.kafka.deliveries import BATCH, Arrival, Deliveries
from event_store.kafka.errors import MalformedRecord

BROKEN = b"broken"


class Consumer:
    """Notes what is acked and what is forgotten."""

    def __init__(self) -> None:
        self.acked: list[tuple[int, int]] = []
        self.forgotten: list[int] = []
        self.stale: set[int] = set()
        self.fetched = 0

    def has_more(self) -> bool:
        return bool(self.fetched)

    def is_current(self, arrival: Arrival) -> bool:
        return arrival.offset not in self.stale

    async def ack(self, arrival: Arrival) -> None:
        self.acked.append((arrival.partition, arrival.offset))

    def forget(self, arrival: Arrival) -> None:
        self.forgotten.append(arrival.offset)


class Handler:
    """Takes whatever was decoded."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.batches: list[list[bytes]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.begun = asyncio.Event()
        self.error: Exception | None = None
        self.acked_before: list[int] = []
        self.owned: object = None

    async def own(self, partitions: object) -> None:
        self.owned = partitions

    async def handle(self, events: Sequence[bytes]) -> None:
        self.begun.set()
        self.acked_before.append(len(self.consumer.acked))
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        self.batches.append(list(events))

    def published(self, mark: object) -> None:
        pass


def decode(value: bytes, headers: object) -> bytes:
    if value == BROKEN:
        raise MalformedRecord("no event")
    return value


class World:
    def __init__(self) -> None:
        self.consumer = Consumer()
        self.handler = Handler(self.consumer)
        self.deliveries = Deliveries(self.consumer, self.handler, decode)
        self.task: asyncio.Task[None] | None = None

    def arrive(self, *offsets: int, partition: int = 0, value: bytes | None = None) -> None:
        for offset in offsets:
            content = b"%d" % offset if value is None else value
            self.deliveries.add(Arrival("topic", partition, offset, content, (), None))

    @asynccontextmanager
    async def running(self):
        self.task = asyncio.create_task(self.deliveries.run())
        yield
        await self.deliveries.stop(self.task, 1.0)

    async def until_acked(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.consumer.acked) < count:  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
def world() -> World:
    return World()


async def test_acked_in_order_when_handled(world: World):
    async with world.running():
        world.arrive(*range(3))
        world.arrive(*range(2), partition=1)
        await world.until_acked(5)
    assert world.consumer.acked == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert world.handler.acked_before == [0]


async def test_what_arrives_meanwhile_is_the_next_batch(world: World):
    async with world.running():
        world.handler.go_on.clear()
        world.arrive(0)
        await world.handler.begun.wait()
        world.arrive(*range(1, BATCH + 5))
        assert world.deliveries.is_busy
        assert world.deliveries.waiting == BATCH + 4
        world.handler.go_on.set()
        await world.until_acked(BATCH + 5)
    assert [len(batch) for batch in world.handler.batches] == [1, BATCH, 4]
    assert world.handler.acked_before == [0, 1, BATCH + 1]


async def test_what_was_fetched_together_is_handled_together(world: World):
    async with world.running():
        world.consumer.fetched = 1
        world.arrive(0)
        for offset in range(1, 20):
            await asyncio.sleep(0)
            world.arrive(offset)
        world.consumer.fetched = 0
        await world.until_acked(20)
    assert len(world.handler.batches) == 1


async def test_fetched_and_never_arriving_holds_nothing_up(world: World):
    async with world.running():
        world.consumer.fetched = 1
        world.arrive(0)
        await world.until_acked(1)


async def test_the_handler_breaks_then_nothing_of_the_batch_is_acked(world: World):
    world.handler.error = OSError("broke")
    task = asyncio.create_task(world.deliveries.run())
    world.arrive(*range(3))
    with pytest.raises(OSError, match="broke"):
        await task
    assert world.consumer.acked == []
    assert world.consumer.forgotten == [0, 1, 2]


async def test_of_partitions_lost_since_then_neither_handled_nor_acked(world: World):
    world.consumer.stale = {0, 2}
    async with world.running():
        world.arrive(*range(4))
        await world.until_acked(2)
    assert world.consumer.acked == [(0, 1), (0, 3)]
    assert world.consumer.forgotten == [0, 2]
    assert world.handler.batches == [[b"1", b"3"]]


async def test_only_such_then_the_handler_is_not_asked(world: World):
    world.consumer.stale = {0}
    async with world.running():
        world.arrive(0)
        await asyncio.sleep(0.01)
        world.arrive(1)
        await world.until_acked(1)
    assert world.handler.batches == [[b"1"]]


async def test_no_event_then_passed_over_and_acked_in_its_place(world: World):
    async with world.running():
        world.arrive(0)
        world.arrive(1, value=BROKEN)
        world.arrive(2)
        await world.until_acked(3)
    assert world.handler.batches == [[b"0", b"2"]]
    assert world.consumer.acked == [(0, 0), (0, 1), (0, 2)]


async def test_stopped_then_the_batch_at_hand_is_finished_and_no_other_begun(world: World):
    async with world.running():
        world.handler.go_on.clear()
        world.arrive(0)
        await world.handler.begun.wait()
        world.arrive(1, 2)
        asyncio.get_running_loop().call_later(0.05, world.handler.go_on.set)
    assert world.consumer.acked == [(0, 0)]
    world.arrive(3)
    assert world.consumer.forgotten == [1, 2, 3]


async def test_stopped_and_the_handler_hangs_then_it_is_given_up(world: World):
    world.handler.go_on.clear()
    task = asyncio.create_task(world.deliveries.run())
    world.arrive(0)
    await world.handler.begun.wait()
    await asyncio.wait_for(world.deliveries.stop(task, 0.01), 1)
    assert task.cancelled()
    assert world.consumer.acked == []
    assert world.consumer.forgotten == [0]


async def test_told_what_it_owns_then_not_while_it_is_at_work(world: World):
    async with world.running():
        world.handler.go_on.clear()
        world.arrive(0)
        await world.handler.begun.wait()
        owning = asyncio.create_task(world.deliveries.own(frozenset()))
        await asyncio.sleep(0.01)
        assert world.handler.owned is None
        world.handler.go_on.set()
        await owning
        assert world.handler.owned == frozenset()
