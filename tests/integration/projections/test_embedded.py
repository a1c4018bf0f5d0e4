"""All projections on the real stores of one process, and operators in another."""

from __future__ import annotations

import asyncio

import pytest

from event_store.backup import backup, restore
from projections.catalogue import PROJECTORS
from read_side.port import AnyOf, Matches, Search
from tests.integration.projections.shop import (
    ADDED,
    CONFIRMED,
    CREATED,
    EVENTS,
    PRODUCT,
    RECEIVED,
    RESERVED,
    USER,
    Shop,
    opened,
)
from tests.support.projections import stored

NEWER = stored("OrderConfirmed", schema_version=2, total="26")


@pytest.fixture
async def shop(tmp_path):
    async with opened(tmp_path) as opened_shop:
        yield opened_shop


async def fill(shop: Shop) -> dict[str, tuple[str, object]]:
    """One of everything; by projection the stream and where its last event lies."""
    order = await shop.append("order-1", CREATED, ADDED, CONFIRMED)
    user, product = await shop.append("user-1", USER), await shop.append("product-1", PRODUCT)
    stock = await shop.append("stock-TEA", RECEIVED, RESERVED)
    return {
        "order_details": ("order-1", order),
        "customers": ("user-1", user),
        "product_catalogue": ("product-1", product),
        "stock_levels": ("stock-TEA", stock),
        "event_log": ("stock-TEA", stock),
    }


async def test_history_when_started_then_every_projection_shows_it(shop):
    await fill(shop)
    await shop.append("credential-1", stored("PasswordSet", password_hash="secret"))
    async with shop.running():
        assert (await shop.documents.get("order_details", "1"))["status"] == "confirmed"
        assert (await shop.documents.get("customers", "1"))["name"] == "Ada"
        assert (await shop.documents.get("stock_levels", "TEA"))["available"] == 8
        assert len(await shop.all("event_log")) == 7
        by_text = Search((Matches("green"), AnyOf("status", ("active",))))
        (product,) = (await shop.documents.search("product_catalogue", by_text)).documents
        assert product["price"] == {"amount": "12.50", "currency": "EUR", "minor": 1250}


async def test_running_when_events_are_appended_then_they_are_shown(shop):
    async with shop.running():
        for projection, (stream, appended) in (await fill(shop)).items():
            assert await shop.shown(projection, stream, appended), projection
        assert {(s.name, s.state, s.lag_seconds, s.parked) for s in await shop.status.list()} == {
            (name, "live", 0.0, 0) for name in PROJECTORS
        }


async def test_running_when_each_order_is_read_at_once_then_it_is_always_there(shop):
    async with shop.running():
        for number in range(100):
            appended = await shop.append(f"order-{number}", CREATED)
            assert await shop.shown("order_details", f"order-{number}", appended)
            found = await shop.documents.search(
                "order_details", Search((AnyOf("id", (str(number),)),))
            )
            assert len(found.documents) == 1


async def test_old_sample_when_projected_then_it_comes_through_the_upcaster(shop):
    sample = stored("ProductAdded", schema_version=1, name="Tea", price="12.50", currency="EUR")
    appended = await shop.append("product-1", sample)
    async with shop.running():
        assert await shop.shown("product_catalogue", "product-1", appended)
        product = await shop.documents.get("product_catalogue", "1")
        assert (product["description"], product["price"]["minor"]) == ("", 1250)


async def test_newer_schema_when_projected_then_it_parks_and_another_process_discards_it(
    shop, tmp_path
):
    parked_at = await shop.append("order-1", CREATED, NEWER)
    async with shop.running(), opened(tmp_path) as operator:
        other = await shop.append("order-2", CREATED)
        assert await shop.shown("order_details", "order-2", other)
        assert not await shop.shown("order_details", "order-1", parked_at)
        (parked,) = await operator.status.parked()
        assert parked.id == "order_details:order-1"
        assert parked.error.startswith("NewerSchemaVersion")
        assert await operator.status.request(parked.id, "discard", "confirmed by phone")
        while await operator.status.parked():
            await operator.documents.wait_for_write("order_details", 0.1)
        assert await shop.shown("order_details", "order-1", parked_at)
        added = await shop.append("order-1", ADDED)
        assert await operator.shown("order_details", "order-1", added)
        order = await operator.documents.get("order_details", "1")
        assert (order["status"], len(order["items"])) == ("created", 2)


async def test_paused_by_another_process_when_events_come_then_they_wait(shop, tmp_path):
    async with shop.running(), opened(tmp_path) as operator:
        await operator.status.pause("order_details")
        appended = await shop.append("order-1", CREATED)
        assert await shop.shown("event_log", "order-1", appended)
        assert await shop.documents.get("order_details", "1") is None
        status = await operator.status.status("order_details")
        assert status.state == "paused"
        assert status.lag_seconds > 0
        await operator.status.resume("order_details")
        assert await shop.shown("order_details", "order-1", appended)


async def test_restored_store_when_started_then_read_models_are_built_anew(shop, tmp_path):
    await shop.append("order-1", CREATED)
    backup(tmp_path / EVENTS, tmp_path / "backup.db")
    lost = await shop.append("order-2", CREATED)
    async with shop.running():
        assert await shop.shown("order_details", "order-2", lost)
    await shop.events.close()
    for file in tmp_path.glob(EVENTS + "*"):
        file.unlink()
    restore(tmp_path / "backup.db", tmp_path / EVENTS)
    async with opened(tmp_path) as again:
        assert (await again.status.status("order_details")).state == "building"
        async with again.running():
            assert [order["id"] for order in await again.all("order_details")] == ["1"]
            assert (await again.status.status("order_details")).state == "live"


async def test_stopped_and_started_often_when_events_keep_coming_then_nothing_is_lost(shop):
    async def trade() -> None:
        for number in range(60):
            await shop.append(f"order-{number % 7}", ADDED if number >= 7 else CREATED)

    trading = asyncio.create_task(trade())
    while not trading.done():
        async with shop.running():
            await asyncio.sleep(0)
    await trading
    async with shop.running():
        projected = await shop.all("order_details")
        listed = await shop.all("event_log")
    assert len(projected) == 7
    assert len(listed) == 60
    assert projected == await shop.clean_build(PROJECTORS["order_details"])
    assert listed == await shop.clean_build(PROJECTORS["event_log"])
