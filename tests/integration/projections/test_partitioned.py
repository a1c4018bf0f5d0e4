"""Several runners with partitions of their own, on real stores, under trade and rebuilds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from event_store.merged import MergedEventStore
from event_store.sqlite import SqliteEventStore
from projections import partition_worker as partition_worker_module
from projections.catalogue import PROJECTORS
from projections.partitioned import PartitionedRunner
from projections.progress import ReadProgress
from projections.rebuild import Rebuilder
from projections.status import Projections
from read_side.port import Search
from tests.integration.projections.shop import (
    ADDED,
    CONFIRMED,
    CREATED,
    PRODUCT,
    RECEIVED,
    RESERVED,
    USER,
    Shop,
    opened,
)
from tests.support.partitions import Group, Topics, number_of

NAMES = ("order_details", "stock_levels", "event_log")


@pytest.fixture(autouse=True)
def quick_marks(monkeypatch):
    monkeypatch.setattr(partition_worker_module, "MARK_SECONDS", 0.02)


@pytest.fixture
async def shop(tmp_path):
    async with opened(tmp_path) as opened_shop:
        yield opened_shop


class Runners:
    """Runners on a shop's stores that share its partitions."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.topics = Topics(shop.events)
        self.group = Group(self.topics)
        self.progress = ReadProgress(
            shop.events, shop.documents, shop.documents, PROJECTORS, number_of=number_of
        )

    @asynccontextmanager
    async def one_more(self) -> AsyncIterator[PartitionedRunner]:
        runner = PartitionedRunner(
            self.shop.events,
            self.shop.documents,
            PROJECTORS.values(),
            number_of,
            poll_seconds=0.02,
        )
        await runner.start()
        member = await self.group.join(runner)
        try:
            yield runner
        finally:
            await self.group.leave(member)
            await runner.stop()

    def rebuilder(self) -> Rebuilder:
        return Rebuilder(
            self.shop.events,
            self.shop.documents,
            self.shop.events.count,
            own=lambda: False,
            patience=10,
            number_of=number_of,
        )

    async def shows(self, name: str, stream: str, appended) -> bool:
        return await self.progress.shows(name, stream, appended.version, appended.position, 10)


async def test_written_when_read_at_once_then_every_projection_shows_it(shop):
    runners = Runners(shop)
    async with runners.one_more(), runners.one_more(), runners.topics.publishing():
        for number in range(30):
            order = await shop.append(f"order-{number}", CREATED, ADDED, CONFIRMED)
            assert await runners.shows("order_details", f"order-{number}", order)
            assert await runners.shows("event_log", f"order-{number}", order)
            stock = await shop.append(f"stock-{number}", RECEIVED, RESERVED)
            assert await runners.shows("stock_levels", f"stock-{number}", stock)
        lags = Projections(shop.events, shop.documents, PROJECTORS, number_of=number_of)
        assert {it.name: (it.state, it.parked) for it in await lags.list()} == dict.fromkeys(
            PROJECTORS, ("live", 0)
        )


async def test_rebuilt_and_rebalanced_under_trade_then_it_equals_a_rebuild_at_rest(shop):
    runners, closed = Runners(shop), asyncio.Event()

    async def trade() -> None:
        number = 0
        while not closed.is_set():
            await shop.append(f"order-{number // 3}", (CREATED, ADDED, CONFIRMED)[number % 3])
            await shop.append(f"stock-{number % 5}", RECEIVED)
            number += 1
            await asyncio.sleep(0.005)

    async with runners.one_more(), runners.one_more(), runners.topics.publishing():
        first = await shop.append("user-1", USER)
        assert await runners.shows("customers", "user-1", first)
        trading = asyncio.create_task(trade())
        for name in NAMES:
            rebuilding = asyncio.create_task(runners.rebuilder().rebuild(PROJECTORS[name]))
            async with runners.one_more():
                outcome = await rebuilding
            assert outcome.switched
            assert outcome.comparison.differing == 0
        closed.set()
        await trading
        for stream, name in (("order-last", "order_details"), ("order-last", "event_log")):
            last = await shop.append(stream, CREATED if name == "order_details" else ADDED)
            assert await runners.shows(name, stream, last)
        stock = await shop.append("stock-last", RECEIVED)
        assert await runners.shows("stock_levels", "stock-last", stock)
        for name in NAMES:
            assert (await runners.rebuilder().rebuild(PROJECTORS[name])).switched
    for name in NAMES:
        live = await shop.all(name)
        assert live == await shop.clean_build(PROJECTORS[name]), name


async def test_stores_of_contexts_when_shared_by_runners_then_all_is_shown(tmp_path):
    async with opened(tmp_path) as shop:
        stores = {
            name: await SqliteEventStore.open(tmp_path / f"{name}.db")
            for name in ("inventory", "sales", "users")
        }
        shop.events, own = MergedEventStore(stores), shop.events
        try:
            await project_contexts(shop)
        finally:
            await own.close()


async def project_contexts(shop: Shop) -> None:
    runners = Runners(shop)
    written = {}

    async def write(stream: str, *what) -> None:
        written[stream] = await shop.append(stream, *what)

    await write("order-1", CREATED, ADDED)
    await write("user-1", USER)
    async with runners.one_more(), runners.topics.publishing():
        async with runners.one_more():
            await write("stock-1", RECEIVED, RESERVED)
            await write("product-1", PRODUCT)
            await write("order-2", CREATED)
            for stream, appended in written.items():
                assert await runners.shows("event_log", stream, appended)
                for name in PROJECTORS:
                    assert await runners.shows(name, stream, appended)
        await write("user-2", USER)
        assert await runners.shows("customers", "user-2", written["user-2"])
        for name in PROJECTORS:
            outcome = await runners.rebuilder().rebuild(PROJECTORS[name])
            assert outcome.switched
            assert (outcome.comparison.differing, outcome.comparison.not_compared) == (0, 0)
        assert await runners.shows("event_log", "user-2", written["user-2"])
    listed = (await shop.documents.search("event_log", Search(limit=100))).documents
    assert len(listed) == 8
    own = {name: await store.identity() for name, store in shop.events.parts.items()}
    assert {(it["category"], it["store"]) for it in listed} == {
        ("order", own["sales"]),
        ("product", own["sales"]),
        ("stock", own["inventory"]),
        ("user", own["users"]),
    }
    statuses = Projections(shop.events, shop.documents, PROJECTORS, number_of=number_of)
    assert {it.state for it in await statuses.list()} == {"live"}
    async with shop.running():
        last = await shop.append("order-1", CONFIRMED)
        assert await runners.shows("order_details", "order-1", last)
        assert await runners.shows("event_log", "order-1", last)
        assert len((await shop.documents.get("order_details", "1"))["items"]) == 2
        assert (await statuses.status("event_log")).lag_seconds == 0.0
