"""Runners that share the partitions: generations, kills, pauses, operators, rebuilds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from contracts.events.sales import ProductAdded, ProductDiscontinued, ProductPriceChanged
from contracts.values import Money
from event_store import partition_reader as feed_module
from event_store.partitions import Mark
from event_store.port import Position
from projections import partition_worker as partition_worker_module
from projections import worker as worker_module
from projections.catalogue import PROJECTORS
from projections.embedded import EmbeddedRunner
from projections.event_log import EventLog
from projections.generations import active_of
from projections.partitioned import PartitionedRunner
from projections.product_catalogue import ProductCatalogue
from projections.progress import ReadProgress
from projections.projector import AnyProjector, fingerprint
from projections.rebuild import Rebuilder
from projections.shown import what_is_shown
from projections.status import Projections
from read_side.port import Generation
from tests.support.aggregates import AT, happened
from tests.support.partitions import ALL, Group, Member, Topics, number_of, partition_of
from tests.support.projections import stored, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore
from tests.unit.projections.test_worker import Broken, Rewritten

NAME = "product_catalogue"
NEWER = stored("ProductPriceChanged", schema_version=2, amount="12")
STREAMS = [f"product-{number}" for number in range(6)]


def added(name: str = "Tea") -> Any:
    return happened(ProductAdded, name=name, description="", price=Money(Decimal("1.00"), "EUR"))


def priced(euros: int) -> Any:
    return happened(ProductPriceChanged, price=Money(Decimal(euros), "EUR"))


class Shop:
    """Both stores in memory, a relay, and the group of those who project."""

    def __init__(self) -> None:
        self.events = MemoryEventStore()
        self.store = MemoryProjectionStore()
        self.topics = Topics(self.events)
        self.group = Group(self.topics)
        self.versions: dict[str, int] = {}

    def record(self, name: str, *what: Any) -> None:
        first = self.versions.get(name, 0)
        self.versions[name] = first + len(what)
        self.events.record(*stream(name, *what, first=first))

    def runner(self, *projectors: AnyProjector) -> PartitionedRunner:
        return PartitionedRunner(
            self.events,
            self.store,
            projectors or [ProductCatalogue(), EventLog()],
            number_of,
            poll_seconds=0.01,
        )

    @asynccontextmanager
    async def running(self, *projectors: AnyProjector) -> AsyncIterator[PartitionedRunner]:
        runner = self.runner(*projectors)
        await runner.start()
        member = await self.group.join(runner)
        try:
            async with asyncio.timeout(10):
                yield runner
        finally:
            await self.group.leave(member)
            await runner.stop()

    async def active(self, name: str = NAME) -> Generation | None:
        return active_of(await self.store.generations(name))

    async def shown(self, name: str = NAME) -> dict[str, Any]:
        active = await self.active(name)
        return self.store.documents(active) if active else {}

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> None:
        """Wait until a condition holds, looking after each write and now and then."""
        while not await condition():
            await self.store.wait_for_write(NAME, 0.01)

    async def all_shown(self, *names: str) -> None:
        """Wait until everything is shown."""

        async def holds() -> bool:
            for name in names or (NAME, "event_log"):
                active = await self.active(name)
                if active is None:
                    return False
                projected = self.store.streams(active)
                counted = sum(len(streams) for streams in projected.values())
                versions = {s: v for one in projected.values() for s, v in one.items()}
                if name == "event_log" and counted != sum(self.versions.values()):
                    return False
                if name != "event_log" and versions != {s: v - 1 for s, v in self._of(name)}:
                    return False
            return True

        await self.until(holds)

    def _of(self, name: str) -> Iterable[tuple[str, int]]:
        categories = PROJECTORS[name].categories
        return [it for it in self.versions.items() if it[0].partition("-")[0] in categories]

    def status(self, **how: Any) -> Projections:
        return Projections(self.events, self.store, PROJECTORS, now=lambda: AT, **how)

    def progress(self) -> ReadProgress:
        return ReadProgress(self.events, self.store, self.store, PROJECTORS, number_of=number_of)

    def rebuilder(self) -> Rebuilder:
        return Rebuilder(self.events, self.store, self.events.count, own=lambda: False, patience=5)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    for module in (worker_module, partition_worker_module):
        monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(worker_module, "LONGEST_DELAY", 0.05)
    monkeypatch.setattr(partition_worker_module, "MARK_SECONDS", 0.01)
    monkeypatch.setattr(feed_module, "STALLED_SECONDS", 0.2)
    return Shop()


def kill(runner: PartitionedRunner) -> None:
    """End its tasks wherever they are; it never finishes what it began."""
    for worker in runner._workers.values():
        worker._stopping = True
        worker._task.cancel()


async def test_two_start_at_once_then_one_generation_is_built_by_both_and_activated(shop):
    for name in STREAMS:
        shop.record(name, added(), priced(2))
    async with shop.running() as one, shop.running() as other:
        await shop.all_shown()
        assert one.partitions | other.partitions == ALL
        assert not one.partitions & other.partitions
        assert one.positions[NAME].keys() & other.positions[NAME].keys() == set()
        await shop.until(lambda: _caught_up(one, other))
    for name in (NAME, "event_log"):
        (generation,) = await shop.store.generations(name)
        assert generation.state == "active"


async def _caught_up(*runners: PartitionedRunner) -> bool:
    return all(it.caught_up for it in runners)


async def test_one_of_two_is_missing_then_the_first_generation_does_not_answer_queries(shop):
    for name in STREAMS:
        shop.record(name, added())
    runner = shop.runner()
    await runner.start()
    half = frozenset(it for it in ALL if it.category != "product" or it.number == 0)
    await runner.own(half)

    async def reads_its_part() -> bool:
        return runner.caught_up and len(runner.positions[NAME]) == 1

    await shop.until(reads_its_part)
    polls = asyncio.Semaphore(0)
    is_paused = shop.store.is_paused

    async def polled(name: str) -> bool:
        polls.release()
        return await is_paused(name)

    shop.store.is_paused = polled
    for _ in range(10):
        await polls.acquire()
    assert await shop.active() is None
    await runner.own(ALL)
    await shop.all_shown()
    await runner.stop()


async def test_events_come_then_they_are_delivered_and_shown(shop):
    async with shop.running() as one, shop.running(), shop.topics.publishing():
        await shop.until(lambda: _caught_up(one))
        for name in STREAMS:
            shop.record(name, added(), priced(2))
        shop.record("order-1", stored("Unheard"))
        await shop.all_shown()


async def test_handled_then_it_is_durable(shop):
    async with shop.running() as runner:
        await shop.all_shown()
        shop.record("product-1", added())
        await shop.topics.publish()
        await runner.handle(shop.topics.logs[partition_of("product-1")])
        assert (await shop.shown())["1"]["name"] == "Tea"
        assert len(await shop.shown("event_log")) == 1


async def test_members_come_go_and_are_killed_then_documents_equal_a_replay(shop):
    chance = random.Random(4)
    runners: list[tuple[PartitionedRunner, Member]] = []

    async def more() -> None:
        runner = shop.runner()
        await runner.start()
        runners.append((runner, await shop.group.join(runner)))

    async with asyncio.timeout(20), shop.topics.publishing():
        await more()
        for turn in range(60):
            name = chance.choice(STREAMS)
            shop.record(name, priced(turn) if name in shop.versions else added())
            await asyncio.sleep(chance.random() * 0.01)  # at any moment, not at a chosen one
            if turn % 6 == 0 and len(runners) < 3:
                await more()
            elif turn % 6 == 3 and len(runners) > 1:
                runner, member = runners.pop(chance.randrange(len(runners)))
                kill(runner)
                await shop.group.leave(member)
        await shop.all_shown()
        for runner, _ in runners:
            await runner.stop()
        for _, member in runners:
            await shop.group.leave(member)
    rest = Shop()
    rest.events, rest.versions = shop.events, shop.versions
    async with rest.running():
        await rest.all_shown()
        assert await shop.shown() == await rest.shown()
        assert await shop.shown("event_log") == await rest.shown("event_log")


async def test_retention_expired_then_what_was_never_delivered_is_read_from_the_event_store(shop):
    async with shop.running() as runner:
        await shop.all_shown()
        await shop.until(lambda: _caught_up(runner))
        for name in STREAMS:
            shop.record(name, added())
        await shop.topics.publish()
        for it, log in shop.topics.logs.items():
            shop.group.offsets[it] = len(log)
        runner.published(shop.topics.mark)
        await shop.all_shown()


async def test_paused_when_events_come_then_others_go_on_and_it_catches_up_when_resumed(shop):
    async with shop.running() as runner, shop.topics.publishing():
        await shop.all_shown()
        await shop.status().pause(NAME)
        await shop.until(lambda: _is_paused(runner))
        shop.record("product-1", added())
        await shop.all_shown("event_log")
        assert await shop.shown() == {}
        assert runner.caught_up
        await shop.status().resume(NAME)
        await shop.all_shown()


async def _is_paused(runner: PartitionedRunner) -> bool:
    return not runner._workers[NAME]._unpaused.is_set()


async def test_idle_partitions_when_the_relay_goes_on_then_there_is_no_lag(shop):
    async with shop.running(), shop.topics.publishing():
        shop.record("product-1", added())
        shop.record("order-1", stored("Unheard"))
        await shop.all_shown()
        head = await shop.events.head()

        async def followed() -> bool:
            status = await shop.status().status(NAME)
            return set(status.partitions.values()) == {head}

        await shop.until(followed)
        assert (await shop.status().status(NAME)).lag_seconds == 0.0
        assert await shop.progress().shows("event_log", "order-1", 0, head, 5)


async def test_store_away_when_delivered_then_handling_waits_until_it_is_back(shop):
    async with shop.running() as runner:
        await shop.all_shown()
        shop.record("product-1", added())
        await shop.topics.publish()
        shop.store.unavailable = True
        handling = asyncio.create_task(runner.handle(shop.topics.logs[partition_of("product-1")]))
        done, _ = await asyncio.wait([handling], timeout=0.05)
        assert not done
        shop.store.unavailable = False
        await handling
        await shop.all_shown()
        assert await shop.status().parked() == []


async def test_projection_that_fails_oddly_when_delivered_then_the_others_go_on(shop):
    write = shop.store.write

    async def odd(generation: Generation, batch: Any) -> None:
        if generation.projection == NAME and batch.puts:
            raise ValueError("odd")
        await write(generation, batch)

    async with shop.running(), shop.topics.publishing():
        await shop.all_shown()
        shop.store.write = odd
        shop.record("product-1", added())
        await shop.all_shown("event_log")
        shop.store.write = write
        await shop.all_shown()


async def test_parked_when_retried_then_only_the_owner_of_its_partition_does_it(shop):
    projector = Broken()
    shop.record("product-1", added(), happened(ProductDiscontinued), priced(5))
    async with shop.running(projector) as one, shop.running(projector) as other:

        async def stuck() -> Any:
            return await shop.status().parked(NAME)

        await shop.until(stuck)
        await shop.until(shop.active)
        owner = one if partition_of("product-1") in one.partitions else other
        bystander = other if owner is one else one
        done: list[Any] = []
        for runner in (owner, bystander):
            for worker in runner._workers.values():
                for feed in worker._feeds.values():
                    give_up = feed._engine._give_up

                    async def told(parked: Any, it: Any = runner, go: Any = give_up) -> None:
                        done.append(it)
                        await go(parked)

                    feed._engine._give_up = told
        assert await shop.status().request(f"{NAME}:product-1", "discard", "known")
        await shop.all_shown(NAME)
        assert done == [owner]
        assert await stuck() == []


async def test_other_code_when_started_then_a_new_generation_is_built_by_all(shop):
    for name in STREAMS:
        shop.record(name, added())
    async with shop.running(ProductCatalogue()), shop.running(ProductCatalogue()):
        await shop.all_shown(NAME)
    async with shop.running(Rewritten()), shop.running(Rewritten()):

        async def shouts() -> bool:
            return {it["name"] for it in (await shop.shown()).values()} == {"TEA"}

        await shop.until(shouts)
    old, new = await shop.store.generations(NAME)
    assert (old.state, new.state) == ("retired", "active")
    assert new.fingerprint == fingerprint(Rewritten())


async def test_old_and_new_code_side_by_side_then_neither_drops_what_the_other_makes(shop):
    shop.record("product-1", added())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shop.running(ProductCatalogue()))
        await shop.all_shown(NAME)
        await stack.enter_async_context(shop.running(Rewritten()))

        async def two() -> bool:
            return len(await shop.store.generations(NAME)) == 2

        await shop.until(two)
        async with shop.running(ProductCatalogue()) as third:
            await shop.until(lambda: _caught_up(third))
            assert [it.number for it in await shop.store.generations(NAME)] == [1, 2]


async def test_rebuilt_while_two_run_then_all_join_before_it_serves(shop):
    for name in STREAMS:
        shop.record(name, added(), priced(2))
    async with shop.running(), shop.running(), shop.topics.publishing():
        await shop.all_shown()
        for name in (NAME, "event_log"):
            before = await shop.active(name)
            outcome = await shop.rebuilder().rebuild(PROJECTORS[name])
            assert outcome.switched
            assert (outcome.comparison.differing, outcome.comparison.not_compared) == (0, 0)
            active = await shop.active(name)
            assert active.number == outcome.generation > before.number
            assert (await what_is_shown(shop.store, active)).are_joined(PROJECTORS[name].categories)
        for name in STREAMS:
            shop.record(name, priced(3))
        await shop.all_shown()


async def test_rebuilt_when_a_partition_has_no_owner_then_it_is_not_taken_over(shop):
    for name in STREAMS:
        shop.record(name, added(), priced(2))
    async with shop.running(ProductCatalogue()):
        await shop.all_shown(NAME)
    runner = shop.runner(ProductCatalogue())
    await runner.start()
    await runner.own(frozenset(it for it in ALL if it.number == 0))
    rebuilder = Rebuilder(
        shop.events, shop.store, shop.events.count, own=lambda: False, patience=0.3
    )
    with pytest.raises(Exception, match=r"[Nn]obody took over"):
        await rebuilder.rebuild(PROJECTORS[NAME])
    await runner.own(ALL)
    assert (await shop.rebuilder().rebuild(PROJECTORS[NAME])).switched
    await runner.stop()


async def test_rolled_back_while_two_run_then_nothing_is_lost(shop):
    shop.record("product-1", added())
    async with shop.running(), shop.running(), shop.topics.publishing():
        await shop.all_shown()
        await shop.rebuilder().rebuild(PROJECTORS[NAME])
        shop.record("product-2", added())
        await shop.all_shown()
        assert (await shop.rebuilder().rollback(PROJECTORS[NAME])).switched
        await shop.all_shown()
        shop.record("product-3", added())
        await shop.all_shown()


async def test_event_store_replaced_while_running_then_everything_is_built_anew(shop):
    shop.record("product-1", added())
    async with shop.running(), shop.topics.publishing():
        await shop.all_shown()
        shop.events.store = "store-2"

        async def anew() -> bool:
            active = await shop.active()
            return active.number == 2 and len(await shop.shown()) == 1

        await shop.until(anew)


async def test_mode_a_before_then_it_goes_on_from_the_checkpoint_of_all_events(shop):
    shop.record("product-1", added())
    embedded = EmbeddedRunner(shop.events, shop.store, [ProductCatalogue()], poll_seconds=0.01)
    await embedded.start()
    async with asyncio.timeout(5):
        await embedded.ready()
    await embedded.stop()
    written = len(shop.store.batches)
    shop.record("product-2", added())
    async with shop.running(ProductCatalogue()):
        await shop.all_shown(NAME)
    puts = [put.key for batch in shop.store.batches[written:] for put in batch.puts]
    assert puts == ["2"]
    shop.record("product-3", added())
    embedded = EmbeddedRunner(shop.events, shop.store, [ProductCatalogue()], poll_seconds=0.01)
    await embedded.start()
    async with asyncio.timeout(5):
        await shop.all_shown(NAME)
    await embedded.stop()
    assert len(await shop.store.generations(NAME)) == 1


async def test_not_started_or_stopped_when_told_then_it_holds_nobody_up(shop):
    runner = shop.runner()
    runner.published(Mark("s", Position("1"), {}))
    assert not runner.caught_up
    await runner.start()
    await runner.stop()
    async with asyncio.timeout(1):
        await runner.handle([])
    assert runner.partitions == frozenset()
