"""Rebuilding `order_details`: events a second against a transaction an event, and memory."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvloop

from contracts.events.base import Event
from contracts.events.sales import (
    ItemAdded,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderLine,
    OrderShipped,
)
from contracts.metadata import Metadata
from contracts.values import Actor, Address, Money
from event_store.codec import encode
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from projections.catalogue import PROJECTORS
from projections.engine import Engine
from projections.rebuild import Rebuilder
from read_side.sqlite import SqliteReadStore

SIZES = (100_000, 500_000, 1_000_000)
"""Events rebuilt from, each in a process of its own."""
SAMPLE = 5_000
"""Events projected with a transaction each."""
EVENTS_OF_AN_ORDER = 5
_AT_ONCE = 500
_BEGIN = datetime(2026, 1, 5, 10, tzinfo=UTC)
_ADDRESS = Address("Ada Lovelace", ("12 St James's Square",), "London", "GB", postal_code="SW1Y")
_PROJECTOR = PROJECTORS["order_details"]


@dataclass(frozen=True)
class Measured:
    """One rebuild: events, seconds, and the most memory its process had, in MB."""

    events: int
    seconds: float
    processor: float
    """Seconds of processor time, of all threads."""
    memory: int
    each_alone: float
    """Events a second with a transaction each."""


def _euros(text: str) -> Money:
    return Money(Decimal(text), "EUR")


def _order(number: int) -> list[Event]:
    at = {"originator_id": str(uuid4()), "timestamp": _BEGIN + timedelta(seconds=number)}
    lines = tuple(
        OrderLine(str(uuid4()), str(UUID(int=number % 77 + n)), f"Tea {n}", _euros("12.50"), 2)
        for n in range(3)
    )
    happened: list[tuple[type[Event], dict[str, Any]]] = [
        (
            OrderCreated,
            {
                "customer_id": str(UUID(int=number % 91)),
                "items": lines,
                "total": _euros("75.00"),
                "shipping_address": _ADDRESS,
            },
        ),
        (
            ItemAdded,
            {
                "item_id": str(uuid4()),
                "product_id": str(UUID(int=3)),
                "product_name": "Cup",
                "unit_price": _euros("1.00"),
                "quantity": 1,
            },
        ),
        (OrderConfirmed, {"total": _euros("76.00"), "payment_method": "tok_visa"}),
        (OrderShipped, {}),
        (OrderDelivered, {}),
    ]
    return [
        kind(originator_version=version, **at, **data)
        for version, (kind, data) in enumerate(happened)
    ]


def _metadata(event: Event) -> Metadata:
    command = str(uuid4())
    return Metadata(
        correlation_id=command,
        causation_id=command,
        command_id=command,
        command="DoSomething",
        actor=Actor("user", str(UUID(int=5)), ("customer",)),
        source="benchmark",
        occurred_at=event.timestamp,
        schema_version=event.SCHEMA_VERSION,
    )


async def fill(path: Path, events: int) -> None:
    """Append a history of orders, about so many events."""
    store = await SqliteEventStore.open(path)

    async def append(number: int) -> None:
        order = _order(number)
        new = [encode(event, _metadata(event), uuid4()) for event in order]
        stream = f"order-{order[0].originator_id}"
        await store.append(stream, new, expected=StreamState.NO_STREAM)

    orders = events // EVENTS_OF_AN_ORDER
    for first in range(0, orders, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, orders))
        await asyncio.gather(*(append(number) for number in numbers))
    await store.close()


async def _rebuild(folder: Path) -> Measured:
    events = await SqliteEventStore.open(folder / "events.db")
    documents = await SqliteReadStore.open(folder / "read-models")
    rebuilder = Rebuilder(events, documents, events.count, own=lambda: True)
    before = time.process_time()
    outcome = await rebuilder.rebuild(_PROJECTOR)
    processor = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    each_alone = await _each_alone(events, documents)
    await documents.close()
    await events.close()
    return Measured(outcome.events, outcome.seconds, processor, memory, each_alone)


async def _each_alone(events: SqliteEventStore, documents: SqliteReadStore) -> float:
    generation = await documents.create_generation(_PROJECTOR.document_type, "benchmark")
    engine = Engine(_PROJECTOR, generation, events, documents)
    page = await events.read_all(categories=_PROJECTOR.categories, limit=SAMPLE)
    started = time.perf_counter()
    for event in page.events:
        await engine.process([event])
    return len(page.events) / (time.perf_counter() - started)


def _measure(size: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(fill(Path(folder, "events.db"), size))
        command = [sys.executable, "-m", "benchmarks.rebuild", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    lines = [
        "| events | seconds | events/s | processor, an event | times a transaction an event"
        " | most memory |",
        "|---|---|---|---|---|---|",
    ]
    for size in SIZES:
        it = _measure(size)
        rate = it.events / it.seconds
        lines.append(
            f"| {it.events:,} | {it.seconds:.1f} | {rate:,.0f}"
            f" | {it.processor / it.events * 1e6:.1f} µs | {rate / it.each_alone:.1f}"
            f" ({it.each_alone:,.0f}/s) | {it.memory} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(vars(uvloop.run(_rebuild(Path(sys.argv[1]))))))
