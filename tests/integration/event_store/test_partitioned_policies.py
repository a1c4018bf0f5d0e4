"""Policies fed by partitions: nothing left out, nothing twice, whoever owns what."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from contracts.registry import CONTEXTS, id_of
from event_store.composite import part_for
from event_store.errors import EventStoreUnavailable
from event_store.kafka.partitioner import partition_number
from event_store.merged import MergedEventStore
from event_store.partitioned_policies import PartitionedPolicy
from event_store.partitions import Mark, Partition, Published
from event_store.policy_group import ElectedRunner, PolicyGroup
from event_store.port import Position, RecordedEvent, StreamState, WholeEventStore
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import some
from tests.integration.event_store.test_subscription_runner import Recorder

OF = 3
ALL = frozenset(Partition("order", OF, number) for number in range(OF))
STREAMS = [f"order-{n}" for n in range(8)]
NONE: frozenset[Partition] = frozenset()


def number_of(stream: str, of: int) -> int:
    return partition_number(id_of(stream).encode(), of)


def partition_of(stream: str, of: int = OF) -> Partition:
    return Partition("order", of, number_of(stream, of))


class Shop:
    """A store, what was published of it, and the policies of several processes."""

    def __init__(self, store: WholeEventStore) -> None:
        self.store = store
        self.handler = Recorder()
        self._policies: list[PartitionedPolicy] = []
        self._last: dict[Partition, Position] = {}

    async def policy(self, handler: Recorder | None = None) -> PartitionedPolicy:
        policy = PartitionedPolicy(
            "policy",
            handler or self.handler,
            self.store,
            self.store,
            number_of,
            categories=["order"],
            interval=0.02,
        )
        self._policies.append(policy)
        await policy.start()
        return policy

    async def stop(self) -> None:
        await asyncio.gather(*(policy.stop() for policy in self._policies))

    async def record(self, stream: str, count: int = 1) -> list[RecordedEvent]:
        version = await self.store.stream_version(stream)
        await self.store.append(stream, some(count), expected=StreamState.ANY)
        return list(await self.store.read_stream(stream, first=version + 1))

    async def published(self, events: Sequence[RecordedEvent]) -> list[Published]:
        identity = await self.store.identity()
        result = []
        for event in events:
            partition = partition_of(event.stream)
            store = part_for(identity, "order")
            result.append(Published(event, partition, store, self._last.get(partition)))
            self._last[partition] = event.position
        return result

    async def mark(self) -> Mark:
        head = await self.store.head()
        assert head is not None
        events = (await self.store.read_all(categories=["order"], limit=10_000)).events
        last = {partition_of(event.stream): event.position for event in events}
        return Mark(await self.store.identity(), head, last)

    async def checkpoint(self, name: str = "policy") -> str | None:
        found = await self.store.load_checkpoint(name)
        return None if found is None else part_for(found, "order")


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds: it comes about in tasks that tell nobody."""
    async with asyncio.timeout(10):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.005)


@pytest.fixture(params=["one store", "a store for each context"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "one store":
        store: WholeEventStore = await SqliteEventStore.open(tmp_path / "events.db")
    else:
        store = MergedEventStore(
            {it: await SqliteEventStore.open(tmp_path / f"{it}.db") for it in CONTEXTS}
        )
    shop = Shop(store)
    yield shop
    await shop.stop()
    await store.close()


async def test_recorded_before_the_assignment_then_handled(shop: Shop):
    for stream in STREAMS:
        await shop.record(stream, 2)
    policy = await shop.policy()
    assert not policy.caught_up
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    assert all(shop.handler.of(stream) == [0, 1] for stream in STREAMS)
    assert policy.positions.keys() == {str(it) for it in ALL}


async def test_of_partitions_of_others_then_left_to_them(shop: Shop):
    policy = await shop.policy()
    mine = partition_of("order-0")
    await policy.own(frozenset({mine}))
    await until(lambda: policy.caught_up)
    for stream in STREAMS:
        await policy.handle(await shop.published(await shop.record(stream)))
    handled = {stream for stream, _ in shop.handler.seen}
    assert handled == {stream for stream in STREAMS if partition_of(stream) == mine}


async def test_delivered_then_handled_once_however_often_it_comes(shop: Shop):
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    published = await shop.published(await shop.record("order-1", 3))
    for _ in range(3):
        await policy.handle(published)
    await policy.handle(published[1:])
    assert shop.handler.of("order-1") == [0, 1, 2]


async def test_something_was_not_delivered_then_read_from_the_store(shop: Shop):
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    published = await shop.published(await shop.record("order-1", 4))
    await policy.handle(published[:1])
    await policy.handle(published[3:])
    await until(lambda: shop.handler.of("order-1") == [0, 1, 2, 3])


async def test_published_and_never_delivered_then_read_from_the_store(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("event_store.partition_reader.STALLED_SECONDS", 0.1)
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    await shop.record("order-1", 2)
    mark = await shop.mark()

    def handled() -> bool:
        # The relay writes marks while nothing happens too.
        policy.published(mark)
        return shop.handler.of("order-1") == [0, 1]

    await until(handled)


async def test_of_another_store_then_no_event_of_ours(shop: Shop):
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    (one,) = await shop.published(await shop.record("order-1"))
    foreign = Published(one.event, one.partition, "another", None)
    await policy.handle([foreign])
    assert shop.handler.seen == []


async def test_marks_then_partitions_without_events_keep_up(shop: Shop):
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    (one, *_) = published = await shop.published(await shop.record("order-1", 2))
    await policy.handle(published)
    mark = await shop.mark()
    policy.published(mark)
    position = part_for(mark.position, "order")
    await until(lambda: set(policy.positions.values()) == {position})
    assert position >= one.event.position


async def test_started_again_then_it_goes_on_where_it_was(shop: Shop):
    policy = await shop.policy()
    for stream in STREAMS:
        await shop.record(stream, 2)
    await policy.own(ALL)
    await until(lambda: policy.caught_up and len(shop.handler.seen) == 16)
    await policy.own(NONE)
    await policy.stop()
    again = await shop.policy(handler=Recorder())
    await again.own(ALL)
    await until(lambda: again.caught_up)
    (event,) = await shop.record("order-0")
    await again.handle(await shop.published([event]))
    assert len(shop.handler.seen) == 16


async def test_a_single_process_came_so_far_then_it_goes_on_from_there(shop: Shop):
    before = await shop.record("order-1", 3)
    page = await shop.store.read_all(categories=["order"])
    await shop.store.save_checkpoint("policy", page.position)
    await shop.record("order-2", 2)
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    assert shop.handler.seen == [("order-2", 0), ("order-2", 1)]
    assert len(before) == 3


async def test_what_all_have_reached_is_kept_for_a_single_process(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("event_store.policy_reader.IDLE_SECONDS", 0.05)
    one, other = await shop.policy(), await shop.policy()
    first = frozenset({Partition("order", OF, 0)})
    for stream in STREAMS:
        await shop.record(stream)
    await one.own(first)
    await until(lambda: one.caught_up)
    assert await shop.checkpoint() is None
    await other.own(ALL - first)
    head = await shop.mark()

    async def kept() -> bool:
        return await shop.checkpoint() == part_for(head.position, "order")

    await until(kept)


async def test_more_partitions_than_before_then_nothing_is_handled_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("event_store.policy_reader.IDLE_SECONDS", 0.05)
    policy = await shop.policy()
    for stream in STREAMS:
        await shop.record(stream)
    await policy.own(ALL)

    async def kept() -> bool:
        return await shop.checkpoint() is not None and len(shop.handler.seen) == 8

    await until(kept)
    await policy.own(NONE)
    await policy.own(frozenset(Partition("order", 5, number) for number in range(5)))
    await until(lambda: policy.caught_up)
    assert len(shop.handler.seen) == 8


async def test_poison_then_its_stream_parks_and_its_owner_carries_out_what_is_asked(shop: Shop):
    shop.handler.poison = {("order-1", 1)}
    mine = partition_of("order-1")
    owner, other = await shop.policy(), await shop.policy()
    await other.own(ALL - {mine})
    await owner.own(frozenset({mine}))
    await until(lambda: owner.caught_up)
    await owner.handle(await shop.published(await shop.record("order-1", 3)))
    (parked,) = await shop.store.parked("policy")
    assert (parked.stream, parked.version) == ("order-1", 1)
    assert shop.handler.of("order-1") == [0]
    shop.handler.poison.clear()
    await shop.store.request(parked.id, "retry")
    await until(lambda: shop.handler.of("order-1") == [0, 1, 2])

    async def none_left() -> bool:
        return not await shop.store.parked("policy")

    await until(none_left)
    await owner.handle(await shop.published(await shop.record("order-1")))
    assert shop.handler.of("order-1") == [0, 1, 2, 3]


async def test_parked_and_handed_over_then_the_new_owner_discards(shop: Shop):
    shop.handler.poison = {("order-1", 0)}
    first, second = await shop.policy(), await shop.policy()
    await first.own(ALL)
    await until(lambda: first.caught_up)
    await first.handle(await shop.published(await shop.record("order-1", 2)))
    await first.own(NONE)
    await second.own(ALL)
    await until(lambda: second.caught_up)
    assert shop.handler.of("order-1") == []
    (parked,) = await shop.store.parked("policy")
    await shop.store.request(parked.id, "discard", "nobody needs it")
    await until(lambda: shop.handler.of("order-1") == [1])


async def test_let_go_on_by_its_former_owner_then_what_was_passed_over_is_handled(shop: Shop):
    shop.handler.poison.add(("order-1", 0))
    await shop.record("order-1", 2)
    policy = await shop.policy()
    await policy.own(ALL)

    async def is_parked() -> bool:
        return bool(await shop.store.parked("policy")) and policy.caught_up

    await until(is_parked)
    # Its former owner, asked to retry, has seen the first two, and is done only now.
    await shop.store.unpark("policy", "order-1")
    await until(lambda: shop.handler.of("order-1") == [1])
    await policy.handle(await shop.published(await shop.record("order-1")))
    await until(lambda: shop.handler.of("order-1") == [1, 2])


async def test_trouble_of_the_store_then_nothing_parks_and_nothing_waits(shop: Shop):
    shop.handler.failing[("order-1", 1)] = [EventStoreUnavailable("away")] * 3
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    published = await shop.published(await shop.record("order-1", 3))
    await asyncio.wait_for(policy.handle(published), 1)
    assert not policy.caught_up
    await until(lambda: shop.handler.of("order-1") == [0, 1, 2])
    assert not await shop.store.parked()
    await until(lambda: policy.caught_up)


async def test_handed_over_in_the_middle_then_each_event_once(shop: Shop):
    class Slow(Recorder):
        async def __call__(self, recorded: RecordedEvent) -> None:
            await asyncio.sleep(0.002)
            await super().__call__(recorded)

    shop.handler = Slow()
    chance = random.Random(7)
    for stream in STREAMS:
        await shop.record(stream, 10)
    one, other = await shop.policy(), await shop.policy()
    owned = {one: NONE, other: NONE}
    for _ in range(12):
        mine = frozenset(it for it in ALL if chance.random() < 0.5)
        # As a rebalance goes: all let go before anyone is assigned.
        await asyncio.gather(one.own(NONE), other.own(NONE))
        owned = {one: mine, other: ALL - mine}
        for policy, partitions in owned.items():
            await policy.own(partitions)
        published = await shop.published(
            [it for stream in STREAMS for it in await shop.record(stream)]
        )
        for policy, partitions in owned.items():
            await policy.handle([it for it in published if it.partition in partitions])
    await until(lambda: one.caught_up and other.caught_up)
    for stream in STREAMS:
        assert shop.handler.of(stream) == list(range(22))


async def test_killed_then_another_goes_on_and_may_repeat(shop: Shop):
    for stream in STREAMS:
        await shop.record(stream, 5)
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: len(shop.handler.seen) > 10)
    assert policy._task is not None
    policy._task.cancel()
    again = await shop.policy()
    await again.own(ALL)
    await until(lambda: again.caught_up)
    for stream in STREAMS:
        assert sorted(set(shop.handler.of(stream))) == list(range(5))


async def test_events_lost_then_it_goes_on_at_the_end(tmp_path: Path):
    store = await SqliteEventStore.open(tmp_path / "events.db")
    shop = Shop(store)
    await shop.record("order-1", 2)
    for partition in ALL:
        await store.save_checkpoint(f"policy/{partition}", Position(f"{999:020}"))
    policy = await shop.policy()
    await policy.own(ALL)
    await until(lambda: policy.caught_up)
    await policy.handle(await shop.published(await shop.record("order-1")))
    assert shop.handler.of("order-1") in ([2], [])
    await until(lambda: shop.handler.of("order-1") == [2])
    await shop.stop()
    await store.close()


class Alone:
    """Something that must run once only."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.failures = 0

    async def run(self) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("broke")
            await asyncio.Event().wait()
        finally:
            self.running -= 1


async def test_elected_then_it_runs_with_the_owner_of_the_first_partition(shop: Shop):
    alone = Alone()

    async def group() -> PolicyGroup:
        policy = await shop.policy()
        return PolicyGroup(
            [policy], [ElectedRunner("alone", alone.run, "order", lambda: policy.caught_up)]
        )

    one, other = await group(), await group()
    first = frozenset({Partition("order", OF, 0)})
    await one.own(first)
    await other.own(ALL - first)
    await until(lambda: alone.running == 1)
    assert (one.elected, other.elected) == (["alone"], [])
    await one.own(NONE)
    await until(lambda: alone.running == 0)
    await other.own(ALL)
    await until(lambda: alone.running == 1)
    assert alone.most == 1
    await other.stop()
    assert alone.running == 0


async def test_elected_when_it_breaks_then_it_starts_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("event_store.policy_group._AGAIN_SECONDS", 0.01)
    alone = Alone()
    alone.failures = 2
    elected = ElectedRunner("alone", alone.run, "order", lambda: True)
    await elected.own(ALL)
    await until(lambda: alone.running == 1)
    assert alone.failures == 0
    await elected.stop()


async def test_elected_when_others_catch_up_then_it_waits(shop: Shop):
    alone, ready = Alone(), asyncio.Event()
    elected = ElectedRunner("alone", alone.run, "order", ready.is_set)
    await elected.own(ALL)
    await asyncio.sleep(0.25)
    assert alone.most == 0
    ready.set()
    await until(lambda: alone.running == 1)
    await elected.stop()
