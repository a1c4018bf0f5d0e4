"""Loading an order, against the raw limit: `benchmarks.raw_loading` on the same file.

By processor time, interleaved.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.commands import ADDRESS, CUSTOMER, PRODUCTS, prepare
from benchmarks.raw_loading import RawOrder, from_events, from_snapshot
from bootstrap.container import Container, open_container
from bootstrap.settings import Settings, secret_of
from contracts.commands.sales import AddItem, CreateOrder, RemoveItem
from contracts.ids import new_id
from event_store.chain import Chain
from event_store.port import Snapshot, SnapshotStore
from write_side.kernel.context import by_system
from write_side.kernel.repository import Repository
from write_side.sales.order import Order

ROUNDS = 9
LOADS = 200

Case = tuple[str, Callable[[], Awaitable[Order]], Callable[[], RawOrder]]
"""What is loaded, by us, and by the raw limit."""


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


async def _ours(load: Callable[[], Awaitable[object]]) -> float:
    """Processor time of one load, in microseconds."""
    begin = time.process_time()
    for _ in range(LOADS):
        await load()
    return (time.process_time() - begin) / LOADS * 1e6


def _limit(load: Callable[[], object]) -> float:
    """The same without a coroutine."""
    begin = time.process_time()
    for _ in range(LOADS):
        load()
    return (time.process_time() - begin) / LOADS * 1e6


def _same(order: Order, raw: RawOrder) -> bool:
    ours = (order.version, order.modified_on, order.last_hash, order.status, order.customer_id)
    theirs = (raw.version, raw.modified_on, raw.hash, raw.status, raw.customer_id)
    return ours == theirs and list(order.items) == list(raw.items)


async def _cases(container: Container, folder: Path) -> list[Case]:
    five, thousand = await _order_of(container, 5), await _order_of(container, 1000)
    chain = Chain(secret_of(container.settings, "audit"))

    def repository(snapshots: SnapshotStore) -> Repository[Order]:
        return Repository(Order, container.events, snapshots, fingerprint_key=b"key", chain=chain)

    with_snapshots, without = repository(container.events), repository(_NoSnapshots())
    connection = sqlite3.connect(folder / "events.db", isolation_level=None)
    cases: list[Case] = []
    for name, orders, order, raw in (
        ("5 events", with_snapshots, five, from_events),
        ("1,000 events, with a snapshot", with_snapshots, thousand, from_snapshot),
        ("1,000 events, replayed", without, thousand, from_events),
    ):
        ours = partial(orders.load, order)
        limit = partial(raw, connection, orders.stream(order))
        if not _same(await ours(), limit()):
            raise AssertionError(f"the orders of {name} are not the same")
        cases.append((name, ours, limit))
    return cases


async def _measure(folder: Path) -> list[tuple[str, list[float], list[float]]]:
    rows: list[tuple[str, list[float], list[float]]] = []
    async with open_container(Settings(data=folder)) as container:
        await prepare(container)
        for name, load, limit in await _cases(container, folder):
            ours: list[float] = []
            limits: list[float] = []
            for _ in range(ROUNDS):
                limits.append(_limit(limit))
                ours.append(await _ours(load))
            rows.append((name, ours, limits))
    return rows


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        rows = uvloop.run(_measure(Path(folder)))
    lines = [
        "| an order of | µs of CPU | the raw limit | share of it (median, min-max) |",
        "|---|---|---|---|",
    ]
    for name, ours, limits in rows:
        ratios = [limit / mine for mine, limit in zip(ours, limits, strict=True)]
        share = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        times = f"{statistics.median(ours):,.1f} | {statistics.median(limits):,.1f}"
        lines.append(f"| {name} | {times} | {share} |")
    return "\n".join(lines)
