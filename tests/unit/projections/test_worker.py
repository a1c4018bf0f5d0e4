"""The runner: generations, restarts, pauses, requests, stores that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.events.base import Event
from contracts.events.sales import ProductAdded, ProductDiscontinued, ProductPriceChanged
from contracts.values import Money
from projections import worker as worker_module
from projections.embedded import EmbeddedRunner
from projections.generations import active_of
from projections.product_catalogue import ProductCatalogue
from projections.progress import ReadProgress
from projections.projector import Context, fingerprint
from projections.status import Projections
from tests.support.aggregates import AT, happened
from tests.support.projections import stored, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore

NAME = "product_catalogue"
NEWER = stored("ProductPriceChanged", schema_version=2, amount="12")


def added(name: str = "Tea") -> Any:
    return happened(ProductAdded, name=name, description="", price=Money(Decimal("1.00"), "EUR"))


def priced(euros: int) -> Any:
    return happened(ProductPriceChanged, price=Money(Decimal(euros), "EUR"))


class Rewritten(ProductCatalogue):
    """Other code, so another fingerprint: it shouts."""

    def project(self, document: Any, event: Event | None, context: Context) -> Any:
        shown = super().project(document, event, context)
        return {**shown, "name": shown["name"].upper()}


class Broken(ProductCatalogue):
    """Other code with a fault."""

    def project(self, document: Any, event: Event | None, context: Context) -> Any:
        if type(event) is ProductDiscontinued:
            raise ArithmeticError("cannot discontinue")
        return super().project(document, event, context)


class Shop:
    """Both stores in memory, and what is seen of them."""

    def __init__(self, projector: Any = None) -> None:
        self.events = MemoryEventStore()
        self.store = MemoryProjectionStore()
        self.projector = projector or ProductCatalogue()

    @asynccontextmanager
    async def running(self, projector: Any = None) -> AsyncIterator[None]:
        projectors = [projector or self.projector]
        runner = EmbeddedRunner(self.events, self.store, projectors, poll_seconds=0.01)
        await runner.start()
        try:
            async with asyncio.timeout(5):
                yield
        finally:
            await runner.stop()

    async def shown(self) -> dict[str, Any]:
        active = active_of(await self.store.generations(NAME))
        return self.store.documents(active) if active else {}

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition holds, looking after each write and now and then."""
        while not await condition():
            await self.store.wait_for_write(NAME, 0.01)

    async def shows(self, key: str, **fields: Any) -> None:
        async def holds() -> bool:
            document = (await self.shown()).get(key, {})
            return all(document.get(name) == value for name, value in fields.items())

        await self.until(holds)

    def status(self, projector: Any = None) -> Projections:
        return Projections(
            self.events, self.store, {NAME: projector or self.projector}, now=lambda: AT
        )

    def progress(self) -> ReadProgress:
        return ReadProgress(self.events, self.store, self.store, {NAME: self.projector})


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(worker_module, "FIRST_DELAY", 0.01)
    return Shop()


async def test_history_when_started_then_it_is_built_and_activated(shop):
    shop.events.record(*stream("product-1", added(), priced(2)))
    async with shop.running():
        await shop.shows("1", version=1)
    (generation,) = await shop.store.generations(NAME)
    assert (generation.state, generation.fingerprint) == ("active", fingerprint(shop.projector))


async def test_empty_store_when_started_then_ready_comes_at_once_and_events_follow(shop):
    runner = EmbeddedRunner(shop.events, shop.store, [shop.projector])
    await runner.start()
    async with asyncio.timeout(5):
        await runner.ready()
        shop.events.record(*stream("product-1", added()))
        await shop.shows("1", version=0)
    await runner.stop()


async def test_stopped_when_started_again_then_it_goes_on_from_the_checkpoint(shop):
    shop.events.record(*stream("product-1", added(), priced(2)))
    async with shop.running():
        await shop.shows("1", version=1)
    written = len(shop.store.batches)
    shop.events.record(*stream("product-1", priced(3), first=2))
    async with shop.running():
        await shop.shows("1", version=2)
    news = [put for batch in shop.store.batches[written:] for put in batch.puts]
    assert [put.revision for put in news] == [1]
    assert len(await shop.store.generations(NAME)) == 1


async def test_killed_while_building_when_started_again_then_the_same_generation_goes_on(shop):
    shop.events.record(*stream("product-1", added(), priced(2)))
    building = await shop.store.create_generation(
        shop.projector.document_type, fingerprint(shop.projector)
    )
    async with shop.running():
        await shop.shows("1", version=1)
    (generation,) = await shop.store.generations(NAME)
    assert (generation.number, generation.state) == (building.number, "active")


async def test_building_when_it_has_not_caught_up_then_it_does_not_answer_queries(shop):
    shop.events.record(*stream("product-1", added()), *stream("product-2", added()))
    read_all, is_paused = shop.events.read_all, shop.store.is_paused
    going_on, polls = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly(*, after: Any = None, limit: int = 1, **how: Any) -> Any:
        if after is not None:
            await going_on.wait()
        return await read_all(after=after, limit=1, **how)

    async def polled(name: str) -> bool:
        polls.release()
        return await is_paused(name)

    shop.events.read_all, shop.store.is_paused = slowly, polled
    async with shop.running():
        for _ in range(5):
            await polls.acquire()
        assert [one.state for one in await shop.store.generations(NAME)] == ["building"]
        assert await shop.status().parked() == []
        going_on.set()
        await shop.shows("2", version=0)


async def test_writing_when_stopped_then_the_batch_is_finished(shop):
    shop.events.record(*stream("product-1", added()))
    write, writing, going_on = shop.store.write, asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any) -> None:
        writing.set()
        await going_on.wait()
        await write(*args)

    shop.store.write = slowly
    runner = EmbeddedRunner(shop.events, shop.store, [shop.projector])
    async with asyncio.timeout(5):
        await runner.start()
        await writing.wait()
        stopping = asyncio.create_task(runner.stop())
        await asyncio.sleep(0)
        going_on.set()
        await stopping
    (generation,) = await shop.store.generations(NAME)
    assert shop.store.documents(generation).keys() == {"1"}


@pytest.mark.parametrize("tidies_up", [False, True])
async def test_store_that_hangs_when_stopped_then_it_ends_soon_and_nothing_is_lost(
    shop, monkeypatch, tidies_up
):
    monkeypatch.setattr(worker_module, "STOP_SECONDS", 0.05)
    shop.events.record(*stream("product-1", added()))
    write, writing, never = shop.store.write, asyncio.Event(), asyncio.Event()

    async def hanging(*args: Any) -> None:
        writing.set()
        try:
            await never.wait()
        finally:
            if tidies_up:
                await never.wait()

    shop.store.write = hanging
    runner = EmbeddedRunner(shop.events, shop.store, [shop.projector])
    async with asyncio.timeout(5):
        await runner.start()
        await writing.wait()
        await runner.stop()
    shop.store.write = write
    async with shop.running():
        await shop.shows("1", version=0)


async def test_idle_then_each_list_is_read_once_a_turn(shop):
    shop.events.record(*stream("product-1", added()))
    read, turned = {"rebuilds": 0, "generations": 0}, asyncio.Event()

    def counted(name: str) -> Any:
        ask = getattr(shop.store, name)

        async def counting(projection: str) -> Any:
            read[name] += 1
            if read["generations"] == 5:
                turned.set()
            return await ask(projection)

        return counting

    async with shop.running():
        await shop.shows("1", version=0)
        for name in read:
            setattr(shop.store, name, counted(name))
        await turned.wait()
    assert read["rebuilds"] <= read["generations"] + 1


async def test_other_code_when_started_then_a_new_generation_replaces_the_old(shop):
    shop.events.record(*stream("product-1", added()))
    async with shop.running():
        await shop.shows("1", name="Tea")
    assert (await shop.status(Rewritten()).status(NAME)).state == "stale-code"
    async with shop.running(Rewritten()):
        await shop.shows("1", name="TEA")
    old, new = await shop.store.generations(NAME)
    assert (old.state, new.state) == ("retired", "active")
    assert shop.store.documents(old)["1"]["name"] == "Tea"


async def test_other_code_when_it_parks_streams_then_the_old_generation_serves_on(shop):
    shop.events.record(*stream("product-1", added(), happened(ProductDiscontinued)))
    async with shop.running():
        await shop.shows("1", status="discontinued")
    async with shop.running(Broken()):

        async def stuck() -> Any:
            return await shop.status().parked()

        await shop.until(stuck)
        (parked,) = await stuck()
        assert (await shop.shown())["1"]["status"] == "discontinued"
        assert await shop.status().request(parked.id, "discard", "known")
        await shop.shows("1", status="active")


async def test_parked_in_both_when_other_code_is_started_then_it_does_not_hold_it_back(shop):
    shop.events.record(*stream("product-1", added(), NEWER), *stream("product-2", added()))
    async with shop.running():
        await shop.shows("2", name="Tea")
    async with shop.running(Rewritten()):
        await shop.shows("2", name="TEA")
    assert (await shop.status(Rewritten()).status(NAME)).parked == 1


async def test_event_store_replaced_when_started_then_everything_is_built_anew(shop):
    shop.events.record(*stream("product-1", added()), *stream("product-2", added()))
    async with shop.running():
        await shop.shows("2", version=0)
    shop.events = MemoryEventStore(stream("product-1", added("Restored")), identity="store-2")
    assert (await shop.shown()).keys() == {"1", "2"}
    assert (await shop.status().status(NAME)).state == "building"
    assert not await shop.progress().shows(NAME, "product-2", 0, "00000000000000000001", 0)
    async with shop.running():
        await shop.shows("1", name="Restored")
    assert (await shop.shown()).keys() == {"1"}
    assert (await shop.status().status(NAME)).state == "live"


async def test_paused_when_events_come_then_nothing_is_shown_until_resumed(shop):
    shop.events.record(*stream("product-1", added()))
    async with shop.running():
        await shop.shows("1", version=0)
        await shop.status().pause(NAME)
        (event,) = shop.events.record(*stream("product-1", priced(2), first=1))
        assert not await shop.progress().shows(NAME, "product-1", 1, event.position, 0.1)
        assert (await shop.shown())["1"]["version"] == 0
        assert (await shop.status().status(NAME)).state == "paused"
        await shop.status().resume(NAME)
        assert await shop.progress().shows(NAME, "product-1", 1, event.position, 5)
        assert (await shop.status().status(NAME)).state == "live"


async def test_paused_when_started_then_ready_does_not_wait_for_it(shop):
    await shop.store.set_paused(NAME, True)
    shop.events.record(*stream("product-1", added()))
    runner = EmbeddedRunner(shop.events, shop.store, [shop.projector])
    await runner.start()
    async with asyncio.timeout(5):
        await runner.ready()
    assert await shop.shown() == {}
    await runner.stop()


async def test_parked_when_retry_is_requested_then_the_runner_carries_it_out(shop):
    projector = Broken()
    shop.events.record(*stream("product-1", added(), happened(ProductDiscontinued), priced(5)))
    async with shop.running(projector):
        await shop.shows("1", version=0)
        projector.project = ProductCatalogue().project
        assert await shop.status().request(f"{NAME}:product-1", "retry")
        await shop.shows("1", version=2, status="discontinued")


@pytest.mark.parametrize("away", ["events", "store"])
async def test_store_away_when_running_then_it_is_tried_again_and_nothing_is_parked(shop, away):
    async with shop.running():
        await shop.until(lambda: shop.store.generations(NAME))
        store = getattr(shop, away)
        refuse, refused = store._answer, asyncio.Event()

        def answer() -> None:
            if store.unavailable:
                refused.set()
            refuse()

        store._answer, store.unavailable = answer, True
        shop.events.record(*stream("product-1", added()))
        await refused.wait()
        store.unavailable = False
        await shop.shows("1", version=0)
        assert await shop.status().parked() == []


async def test_unexpected_error_when_running_then_the_projection_starts_again(shop):
    write, failures = shop.store.write, iter([OSError("out of paper"), ValueError("odd")])

    async def sometimes(*args: Any) -> None:
        if failure := next(failures, None):
            raise failure
        await write(*args)

    shop.store.write = sometimes
    shop.events.record(*stream("product-1", added()))
    async with shop.running():
        await shop.shows("1", version=0)


async def test_events_of_others_when_they_come_then_few_checkpoints_are_written(shop):
    async with shop.running():
        shop.events.record(*stream("product-1", added()))
        await shop.shows("1", version=0)
        before = len(shop.store.batches)
        for version in range(20):
            shop.events.record(*stream("order-1", added(), first=version))
            await asyncio.sleep(0)
        shop.events.record(*stream("product-1", priced(2), first=1))
        await shop.shows("1", version=1)
        assert len(shop.store.batches) <= before + 2


async def test_events_that_were_shown_when_the_store_lost_them_then_built_anew_and_told_once(shop):
    shop.events.record(*stream("product-1", added(), priced(2)), *stream("product-2", added()))
    async with shop.running():
        await shop.shows("2", version=0)
    shop.events.lose(2)
    assert (await shop.status().status(NAME)).state == "building"
    with capture_logs() as logs:
        async with shop.running():
            await shop.shows("1", version=0)
            shop.events.record(*stream("product-3", added()))
            await shop.shows("3", version=0)
    assert sorted(await shop.shown()) == ["1", "3"]
    [told] = [one for one in logs if "because" in one]
    assert told["because"] == "the active one shows events that this event store does not have"
    assert not [one for one in logs if one["log_level"] in ("warning", "error")]


async def test_events_lost_while_running_then_told_in_one_line_and_built_anew(shop):
    shop.events.record(*stream("product-1", added(), priced(2)), *stream("product-2", added()))
    with capture_logs() as logs:
        async with shop.running():
            await shop.shows("2", version=0)
            shop.events.lose(2)
            shop.events.wake()

            async def forgotten() -> bool:
                return sorted(await shop.shown()) == ["1"]

            await shop.until(forgotten)
    [told] = [one for one in logs if one["log_level"] in ("warning", "error")]
    assert told["event"].startswith("the event store lacks events that are shown")
    assert "exc_info" not in told
