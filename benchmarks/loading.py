"""Loading an order, against the raw limit: one SELECT and msgspec into structs."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from benchmarks.commands import ADDRESS, CUSTOMER, PRODUCTS, prepare
from bootstrap.container import Container, open_container
from bootstrap.settings import Settings, secret_of
from contracts.commands.sales import AddItem, CreateOrder, RemoveItem
from contracts.ids import new_id
from event_store.chain import Chain
from event_store.port import Snapshot
from write_side.kernel.context import by_system
from write_side.kernel.repository import Repository
from write_side.sales.order import Order

ROUNDS = 7
SECONDS = 0.2


class _Line(msgspec.Struct):
    item_id: str
    product_id: str = ""
    product_name: str = ""
    unit_price: dict[str, str] = {}
    quantity: int = 0


class _Raw(msgspec.Struct):
    """What any event of these orders has, read without looking closer."""

    customer_id: str = ""
    items: list[_Line] = []
    item_id: str = ""
    quantity: int = 0


class _NoSnapshots:
    """Loads from events alone."""

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """None."""
        return None

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keeps nothing."""


async def _order_of(container: Container, events: int) -> str:
    order = new_id()
    create = CreateOrder(order_id=order, customer_id=CUSTOMER, shipping_address=ADDRESS)
    await container.bus.handle(create, by_system("benchmark"))
    for _ in range((events - 1) // 2):
        add = AddItem(order_id=order, product_id=PRODUCTS[0], quantity=1)
        added = await container.bus.handle(add, by_system("benchmark"))
        remove = RemoveItem(order_id=order, item_id=added.ids["item_id"])
        await container.bus.handle(remove, by_system("benchmark"))
    if events % 2 == 0:
        add = AddItem(order_id=order, product_id=PRODUCTS[0], quantity=1)
        await container.bus.handle(add, by_system("benchmark"))
    return order


async def _rate(work: Callable[[], Awaitable[object]]) -> float:
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        await work()
        count += 1
    return count / (time.perf_counter() - begin)


def _raw(folder: Path) -> Callable[[str], Awaitable[object]]:
    connection = sqlite3.connect(folder / "events.db", isolation_level=None)
    decode = msgspec.json.Decoder(_Raw).decode
    query = "SELECT data FROM events WHERE stream = ? ORDER BY version"

    async def load(order: str) -> Any:
        return [decode(row[0]) for row in connection.execute(query, (f"order-{order}",))]

    return load


async def _measure(folder: Path) -> list[tuple[str, float, list[float]]]:
    settings = Settings(data=folder)
    rows: list[tuple[str, float, list[float]]] = []
    async with open_container(settings) as container:
        await prepare(container)
        five, thousand = await _order_of(container, 5), await _order_of(container, 1000)
        chain = Chain(secret_of(settings, "audit"))
        with_snapshots = Repository(
            Order, container.events, container.events, fingerprint_key=b"key", chain=chain
        )
        without = Repository(
            Order, container.events, _NoSnapshots(), fingerprint_key=b"key", chain=chain
        )
        raw = _raw(folder)
        cases: list[tuple[str, Callable[[], Awaitable[object]], str]] = [
            ("5 events", lambda: with_snapshots.load(five), five),
            ("1,000 events, with a snapshot", lambda: with_snapshots.load(thousand), thousand),
            ("1,000 events, replayed", lambda: without.load(thousand), thousand),
        ]
        for name, load, order in cases:
            ratios: list[float] = []
            rates: list[float] = []
            for _ in range(ROUNDS):
                limit = await _rate(lambda order=order: raw(order))
                rates.append(await _rate(load))
                ratios.append(rates[-1] / limit)
                await asyncio.sleep(0)
            rows.append((name, statistics.median(rates), ratios))
    return rows


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        rows = uvloop.run(_measure(Path(folder)))
    lines = [
        "| an order of | loads/s | share of the raw limit (median, min-max) |",
        "|---|---|---|",
    ]
    for name, rate, ratios in rows:
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        lines.append(f"| {name} | {rate:,.0f} | {spread} |")
    return "\n".join(lines)
