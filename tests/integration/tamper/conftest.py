from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from contracts.commands.inventory import ReceiveStock
from contracts.commands.sales import AddItem, CancelOrder, ConfirmOrder
from event_store.sqlite import SqliteEventStore
from tests.support.commands import Shop, create_order, uid

ORDER, OTHER, STOCK = f"order-{uid(1)}", f"order-{uid(2)}", "stock-TEA"
TEA = uid(0x5000)
"""The first product of a `Shop`."""


async def _fill(path: Path) -> None:
    store = await SqliteEventStore.open(path)
    shop = Shop(store)
    tea = await shop.product()
    for order in (1, 2):
        await shop.handle(create_order(order, tea))
    for quantity in (1, 2, 3):
        for order in (1, 2):
            await shop.handle(AddItem(order_id=uid(order), product_id=tea, quantity=quantity))
        await shop.handle(ReceiveStock(sku="TEA", quantity=quantity, location="main"))
    await shop.handle(ConfirmOrder(order_id=uid(1), payment_method="tok"))
    await shop.handle(CancelOrder(order_id=uid(1), reason="no more"))
    await store.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two orders of 6 and 4 events, interleaved, some stock and a product."""
    path = tmp_path_factory.mktemp("filled") / "events.db"
    asyncio.run(_fill(path))
    return path


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    """A copy of it to be changed."""
    return Path(shutil.copy(filled, tmp_path / "events.db"))
