"""Three files read as one store: apart where it matters, together where it is read."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from contracts.registry import CONTEXTS
from event_store.composite import compose, part_for, parts_of
from event_store.errors import EventStoreUnavailable, InvalidPosition
from event_store.merged import MergedEventStore
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from event_store.subscriptions import StartFrom, SubscriptionRunner
from tests.contract.event_store.subscription_store_contract import parked_stream
from tests.contract.event_store.support import event, ids, page_through, some
from tests.integration.event_store.test_subscription_runner import Recorder, running

ANY = StreamState.ANY
STREAMS = ("order-1", "stock-TEA", "user-1")
SKEW = {"sales": 3_600, "inventory": 0, "users": -3_600}
"""Seconds by which the clocks of the stores are wrong."""


class World:
    """The stores, and what they are together."""

    def __init__(self, stores: dict[str, SqliteEventStore]) -> None:
        self.stores = stores
        self.merged = MergedEventStore(stores)

    @classmethod
    async def open(cls, folder: Path) -> World:
        def clock_of(context: str):
            return lambda: time.time_ns() + SKEW[context] * 1_000_000_000

        return cls(
            {
                context: await SqliteEventStore.open(
                    folder / f"{context}.db", clock=clock_of(context), poll_interval=0.005
                )
                for context in CONTEXTS
            }
        )


@pytest.fixture
async def world(tmp_path: Path):
    world = await World.open(tmp_path)
    yield world
    await world.merged.close()


async def test_stream_when_appended_to_then_it_is_in_the_store_of_its_context(world):
    for stream in STREAMS:
        appended = await world.merged.append(stream, some(2), expected=ANY)
        assert part_for(await world.merged.head(), stream) == appended.position
    found = {
        context: await page_through(store, after=None, limit=9)
        for context, store in world.stores.items()
    }
    assert {context: {it.stream for it in events} for context, events in found.items()} == {
        "sales": {"order-1"},
        "inventory": {"stock-TEA"},
        "users": {"user-1"},
    }
    identities = {context: await store.identity() for context, store in world.stores.items()}
    assert await world.merged.identity() == compose(identities)
    assert await world.merged.count(["order", "user"]) == 4


async def test_writers_and_readers_when_clocks_differ_then_nothing_is_lost_or_repeated(world):
    async def writer(stream: str) -> None:
        for number in range(40):
            await world.merged.append(stream, some(1 + number % 3), expected=ANY)

    async def follow(batch: int) -> list:
        found: list = []
        async with aclosing(world.merged.subscribe(batch=batch)) as deliveries:
            async for delivery in deliveries:
                assert len(delivery.events) <= batch
                found += delivery.events
                if len(found) == 3 * 79:
                    return found
        raise AssertionError

    following = [asyncio.create_task(follow(batch)) for batch in (1, 7, 500)]
    await asyncio.gather(*(writer(stream) for stream in STREAMS))
    paged = await page_through(world.merged, after=None, limit=10)
    for found in (paged, *[await asyncio.wait_for(task, 20) for task in following]):
        for stream in STREAMS:
            own = [it for it in found if it.stream == stream]
            assert own == list(await world.merged.read_stream(stream))
        assert len(found) == 3 * 79
    assert [it.recorded_at for it in paged] == sorted(it.recorded_at for it in paged)


async def test_store_when_it_is_down_then_others_go_on_and_the_error_says_whose_it_is(world):
    for stream in STREAMS:
        await world.merged.append(stream, some(2), expected=ANY)
    async with aclosing(world.merged.subscribe(categories=["order"])) as deliveries:
        first = await anext(deliveries)
        await world.stores["inventory"].close()
        new = event()
        await world.merged.append("order-1", [new], expected=1)
        second = await anext(deliveries)
    assert ids([*first.events, *second.events])[-1] == new.id
    page = await world.merged.read_all(after=first.position, categories=["order", "user"])
    assert {it.stream for it in page.events} == {"order-1", "user-1"}
    for failing in (
        world.merged.append("stock-TEA", [event()], expected=1),
        world.merged.read_all(),
        world.merged.check(),
    ):
        with pytest.raises(EventStoreUnavailable, match="event store of inventory"):
            await failing
    async with aclosing(world.merged.subscribe(after=page.position)) as deliveries:
        with pytest.raises(EventStoreUnavailable, match="event store of inventory"):
            await anext(deliveries)


async def test_store_when_it_goes_down_then_who_follows_it_is_told(world):
    async with aclosing(world.merged.subscribe()) as deliveries:
        assert (await anext(deliveries)).caught_up
        await world.stores["users"].close()
        with pytest.raises(EventStoreUnavailable, match="event store of users"):
            await asyncio.wait_for(anext(deliveries), 5)


async def test_positions_when_beyond_the_end_of_one_store_then_they_are_refused(world):
    for stream in STREAMS:
        await world.merged.append(stream, some(2), expected=ANY)
    parts = dict(parts_of(await world.merged.head()) or {})
    beyond = compose({**parts, "users": f"{99:020}"})
    with pytest.raises(InvalidPosition, match="event store of users"):
        await world.merged.read_all(after=beyond, categories=())
    async with aclosing(world.merged.subscribe(after=beyond)) as deliveries:
        with pytest.raises(InvalidPosition):
            await anext(deliveries)


async def test_checkpoint_when_saved_then_each_store_keeps_its_own_part(world):
    await world.merged.append("order-1", some(3), expected=ANY)
    await world.merged.append("user-1", some(2), expected=ANY)
    head = await world.merged.head()
    await world.merged.save_checkpoint("policy", head)
    for context, store in world.stores.items():
        assert await store.load_checkpoint("policy") == (parts_of(head) or {})[context]
    assert await world.merged.load_checkpoint("policy") == head


async def test_parked_streams_when_listed_then_those_of_all_stores_are_there(world):
    entries = [parked_stream("policy", stream, minute) for minute, stream in enumerate(STREAMS)]
    for entry in reversed(entries):
        await world.merged.park(entry)
    assert list(await world.merged.parked("policy")) == entries
    assert list(await world.stores["inventory"].parked()) == [entries[1]]
    assert await world.merged.request(entries[2].id, "retry")
    assert [it.request for it in await world.merged.parked()] == [None, None, "retry"]
    await world.merged.unpark("policy", "user-1")
    assert list(await world.merged.parked()) == entries[:2]


def policy(world: World, handler: Recorder, **options) -> SubscriptionRunner:
    return SubscriptionRunner(
        "policy", handler, world.merged, world.merged, interval=0.02, **options
    )


@pytest.mark.parametrize("start", StartFrom)
async def test_policy_over_several_stores_when_restarted_then_it_goes_on_where_it_was(
    world, tmp_path, start
):
    for stream in STREAMS:
        await world.merged.append(stream, some(2), expected=ANY)
    first, second = Recorder(), Recorder()
    async with running(policy(world, first, start=start)) as runner:
        if start is StartFrom.HEAD:
            await runner.wait_until(await world.merged.head(), 5)
        for stream in STREAMS:
            await world.merged.append(stream, some(1), expected=ANY)
        await runner.wait_until(await world.merged.head(), 5)
    again = await World.open(tmp_path)
    try:
        for stream in STREAMS:
            await again.merged.append(stream, some(1), expected=ANY)
        async with running(policy(again, second)) as runner:
            await runner.wait_until(await again.merged.head(), 5)
    finally:
        await again.merged.close()
    before = [] if start is StartFrom.HEAD else [0, 1]
    for stream in STREAMS:
        assert first.of(stream) == [*before, 2]
        assert second.of(stream) == [3]


async def test_policy_when_an_event_of_one_store_can_not_be_handled_then_its_stream_waits(world):
    handler = Recorder()
    handler.poison.add(("stock-TEA", 0))
    for stream in STREAMS:
        await world.merged.append(stream, some(2), expected=ANY)
    async with running(policy(world, handler)) as runner:
        await runner.wait_until(await world.merged.head(), 5)
        assert handler.of("stock-TEA") == []
        handler.poison.clear()
        [entry] = await world.merged.parked("policy")
        assert await world.merged.request(entry.id, "retry")
        async with asyncio.timeout(5):
            while await world.merged.parked("policy"):  # noqa: ASYNC110 - the runner says it there
                await asyncio.sleep(0.005)
    for stream in STREAMS:
        assert handler.of(stream) == [0, 1]


async def test_policy_when_an_error_passes_in_the_middle_of_a_batch_then_it_goes_on_behind_it(
    world,
):
    handler = Recorder()
    for stream in STREAMS:
        await world.merged.append(stream, some(2), expected=ANY)
    handler.failing["order-1", 1] = [EventStoreUnavailable("a moment")]
    async with running(policy(world, handler)) as runner:
        await runner.wait_until(await world.merged.head(), 5)
    assert sorted(handler.seen) == sorted((stream, n) for stream in STREAMS for n in (0, 1))


async def test_store_when_put_back_from_a_copy_then_its_part_of_a_policy_goes_back_with_it(
    world, tmp_path
):
    first, second = Recorder(), Recorder()
    for stream in STREAMS:
        await world.merged.append(stream, some(1), expected=ANY)
    async with running(policy(world, first)) as runner:
        await runner.wait_until(await world.merged.head(), 5)
    await world.merged.close()
    copy = (tmp_path / "sales.db").read_bytes()
    later = await World.open(tmp_path)
    for stream in STREAMS:
        await later.merged.append(stream, some(1), expected=ANY)
    async with running(policy(later, first)) as runner:
        await runner.wait_until(await later.merged.head(), 5)
    await later.merged.close()
    (tmp_path / "sales.db").write_bytes(copy)
    again = await World.open(tmp_path)
    try:
        await again.merged.append("order-1", some(1), expected=0)
        async with running(policy(again, second)) as runner:
            await runner.wait_until(await again.merged.head(), 5)
    finally:
        await again.merged.close()
    assert second.seen == [("order-1", 1)]


def test_context_without_a_store_then_the_others_are_not_merged():
    with pytest.raises(ValueError, match="users"):
        MergedEventStore({"sales": None, "inventory": None})  # type: ignore[dict-item]
