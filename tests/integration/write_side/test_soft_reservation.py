"""The policy that reserves what an order holds while it is built."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.commands.inventory import MapProduct, ReceiveStock
from contracts.commands.sales import (
    AddItem,
    CancelOrder,
    ConfirmOrder,
    ImportedLine,
    ImportOrder,
    RemoveItem,
)
from contracts.events.inventory import StockReleased, StockReserved
from contracts.values import SYSTEM
from event_store.errors import EventStoreUnavailable
from event_store.port import Appended, Position, WholeEventStore
from event_store.sqlite import SqliteEventStore
from event_store.subscriptions import SubscriptionRunner
from tests.integration.write_side.reserving_process import soft_reservation
from tests.support.commands import (
    ADA,
    ADDRESS,
    Passing,
    Shop,
    create_order,
    money,
    uid,
)

DAY = 86_400 * 10**9


@asynccontextmanager
async def running(runner: SubscriptionRunner) -> AsyncIterator[None]:
    task = asyncio.ensure_future(runner.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def reach_the_head(shop: Shop) -> None:
    """Let the policy do all that is due, and stop."""
    head = await shop.store.head()
    runner = soft_reservation(shop)
    async with running(runner):
        await runner.wait_until(head, timeout=20)
    assert await shop.store.parked() == []


async def stocked(shop: Shop, sku: str, quantity: int = 100) -> str:
    product = await shop.product()
    await shop.handle(MapProduct(product_id=product, sku=sku))
    await shop.handle(ReceiveStock(sku=sku, quantity=quantity, location="main"))
    return product


async def reservations(shop: Shop, sku: str) -> dict[str, int]:
    return dict((await shop.stock.load(sku)).reservations)


async def done(shop: Shop, sku: str) -> list[tuple[str, int, int]]:
    """What was done for orders in a stock: the kind of event, order version, quantity."""
    return [
        (type(event).__name__, event.order_version, event.quantity)
        for event, _ in await shop.events(f"stock-{sku}")
        if isinstance(event, StockReserved | StockReleased)
    ]


async def test_it_follows_the_order_while_it_is_built(shop: Shop):
    tea, cake = await stocked(shop, "TEA"), await stocked(shop, "CAKE")
    await shop.handle(create_order(1, tea, quantity=2), ADA)
    await reach_the_head(shop)
    assert await reservations(shop, "TEA") == {uid(1): 2}
    added = await shop.handle(AddItem(order_id=uid(1), product_id=tea, quantity=3), ADA)
    await shop.handle(AddItem(order_id=uid(1), product_id=cake, quantity=7), ADA)
    await reach_the_head(shop)
    assert await reservations(shop, "TEA") == {uid(1): 5}
    assert await reservations(shop, "CAKE") == {uid(1): 7}
    await shop.handle(RemoveItem(order_id=uid(1), item_id=added.ids["item_id"]), ADA)
    await shop.handle(ConfirmOrder(order_id=uid(1)), ADA)
    await reach_the_head(shop)
    assert await reservations(shop, "TEA") == {uid(1): 2}
    await shop.handle(CancelOrder(order_id=uid(1), reason="no"), ADA)
    await reach_the_head(shop)
    assert await done(shop, "TEA") == [
        ("StockReserved", 0, 2),
        ("StockReserved", 1, 5),
        ("StockReserved", 3, 2),
        ("StockReleased", 5, 2),
    ]
    assert await done(shop, "CAKE") == [("StockReserved", 2, 7), ("StockReleased", 5, 7)]


async def test_the_last_of_a_product_taken_out_gives_its_reservation_back(shop: Shop):
    tea = await stocked(shop, "TEA")
    await shop.handle(create_order(1), ADA)
    added = await shop.handle(AddItem(order_id=uid(1), product_id=tea, quantity=3), ADA)
    await shop.handle(RemoveItem(order_id=uid(1), item_id=added.ids["item_id"]), ADA)
    await reach_the_head(shop)
    assert await reservations(shop, "TEA") == {}
    assert await done(shop, "TEA") == [("StockReserved", 1, 3), ("StockReserved", 2, 0)]


async def test_what_follows_says_what_caused_it(shop: Shop):
    tea = await stocked(shop, "TEA")
    answer = await shop.handle(create_order(1, tea), ADA)
    (created,) = await shop.store.read_stream(answer.stream)
    ((_, cause),) = await shop.events(answer.stream)
    await reach_the_head(shop)
    _, metadata = (await shop.events("stock-TEA"))[-1]
    assert metadata.causation_id == str(created.id)
    assert metadata.correlation_id == cause.correlation_id
    assert (metadata.actor, metadata.source) == (SYSTEM, "soft-reservation")


async def test_imported_orders_are_passed_over(shop: Shop):
    tea = await stocked(shop, "TEA")
    answer = await shop.handle(
        ImportOrder(
            customer_id=ADA.id,
            items=(ImportedLine(product_id=tea, unit_price=money("9.80"), quantity=3),),
            shipping_address=ADDRESS,
            created_at=datetime(1996, 7, 4, tzinfo=UTC),
            external_reference="10248",
        )
    )
    await shop.handle(AddItem(order_id=answer.id, product_id=tea, quantity=3))
    await shop.handle(CancelOrder(order_id=answer.id, reason="no"))
    await reach_the_head(shop)
    assert await shop.types("stock-TEA") == ["StockReceived"]


async def test_what_is_unmapped_or_not_there_is_left_and_the_rest_goes_on(shop: Shop):
    tea, scarce = await stocked(shop, "TEA"), await stocked(shop, "SCARCE", 1)
    unmapped = await shop.product()
    await shop.handle(create_order(1, unmapped, scarce, tea), ADA)
    await shop.handle(create_order(2, tea), ADA)
    await reach_the_head(shop)
    assert await reservations(shop, "TEA") == {uid(1): 2, uid(2): 2}
    assert await reservations(shop, "SCARCE") == {}
    await shop.handle(CancelOrder(order_id=uid(1), reason="no"), ADA)
    await reach_the_head(shop)
    assert await reservations(shop, "TEA") == {uid(2): 2}


async def test_what_was_recorded_long_ago_reserves_nothing(tmp_path: Path):
    past = int(datetime.now(UTC).timestamp()) * 10**9 - 31 * DAY
    store = await SqliteEventStore.open(tmp_path / "events.db", clock=lambda: past)
    shop = Shop(store)
    tea = await stocked(shop, "TEA")
    await shop.handle(create_order(1, tea), ADA)
    await reach_the_head(shop)
    assert await shop.types("stock-TEA") == ["StockReceived"]
    await store.close()


async def test_events_seen_again_change_nothing(shop: Shop, store: WholeEventStore):
    tea = await stocked(shop, "TEA")
    await a_few_orders(shop, [tea], 6)
    await reach_the_head(shop)
    before = await store.head()
    policy = soft_reservation(shop)._parking._handler
    events = (await store.read_all(categories=["order"])).events
    for recorded in [*events, *reversed(events)]:
        await policy(recorded)
    assert await store.head() == before


async def test_a_store_that_is_away_for_a_moment_parks_nothing(store: WholeEventStore):
    class Away(Passing):
        failures = 3

        async def append(self, stream: str, events: Any, *, expected: Any) -> Appended:
            if stream.startswith("stock-") and self.failures:
                self.failures -= 1
                raise EventStoreUnavailable("away")
            return await self._store.append(stream, events, expected=expected)

    tea = await stocked(Shop(store), "TEA")
    await Shop(store).handle(create_order(1, tea), ADA)
    shop = Shop(Away(store))
    await reach_the_head(shop)
    assert shop.store.failures == 0
    assert await reservations(shop, "TEA") == {uid(1): 2}


async def a_few_orders(shop: Shop, products: Sequence[str], number: int) -> None:
    """Orders of one to three events, every third of them cancelled."""
    for order in range(1, number + 1):
        product = products[order % len(products)]
        await shop.handle(create_order(order, product, quantity=order % 3 + 1), ADA)
        if order % 2:
            await shop.handle(AddItem(order_id=uid(order), product_id=product, quantity=1), ADA)
        if order % 3 == 0:
            await shop.handle(CancelOrder(order_id=uid(order), reason="no"), ADA)


async def expected_reservations(shop: Shop, products: dict[str, str], number: int) -> Any:
    """What each order holds now, by SKU."""
    wanted: dict[str, dict[str, int]] = {sku: {} for sku in products.values()}
    for order_id in (uid(order) for order in range(1, number + 1)):
        order = await shop.orders.load(order_id)
        if order.status != "cancelled":
            for line in order.items.values():
                held = wanted[products[line.product_id]]
                held[order_id] = held.get(order_id, 0) + line.quantity
    return wanted


async def each_was_done_once(shop: Shop, products: dict[str, str], number: int) -> None:
    wanted = await expected_reservations(shop, products, number)
    assert {sku: await reservations(shop, sku) for sku in wanted} == wanted
    for sku in wanted:
        seen = Counter(
            (event.order_id, event.order_version)
            for event, _ in await shop.events(f"stock-{sku}")
            if isinstance(event, StockReserved | StockReleased)
        )
        assert max(seen.values()) == 1


@pytest.mark.parametrize("handled_before", [1, 4, 9])
async def test_stopped_without_a_checkpoint_it_does_nothing_twice(
    store: WholeEventStore, handled_before: int
):
    class Forgetful(Passing):
        async def save_checkpoint(self, subscriber: str, position: Position) -> None:
            pass

    shop = Shop(store)
    products = {await stocked(shop, sku): sku for sku in ("TEA", "CAKE")}
    await a_few_orders(shop, list(products), 8)
    enough = asyncio.Event()
    count = 0

    def handled(_: Any) -> None:
        nonlocal count
        count += 1
        if count == handled_before:
            enough.set()

    async with running(soft_reservation(Shop(Forgetful(store)), handled)):
        await asyncio.wait_for(enough.wait(), 20)
    assert await store.load_checkpoint("soft-reservation") is None
    await reach_the_head(shop)
    await each_was_done_once(shop, products, 8)
    assert await store.load_checkpoint("soft-reservation") is not None


async def test_killed_it_goes_on_where_it_was_and_does_nothing_twice(
    address: str, store: WholeEventStore
):
    shop = Shop(store)
    products = {await stocked(shop, sku): sku for sku in ("TEA", "CAKE")}
    await a_few_orders(shop, list(products), 40)
    for kills in (7, 11):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.write_side.reserving_process",
            address,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert process.stdout is not None
        for _ in range(kills):
            assert await process.stdout.readline() != b""
        process.kill()
        assert await process.wait() == -9
    await reach_the_head(shop)
    await each_was_done_once(shop, products, 40)
