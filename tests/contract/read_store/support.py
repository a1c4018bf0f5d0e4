"""What the suites of the read store share: backends, made-up documents, short ways to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from contracts.parked import ParkedStream
from read_side.port import (
    Documents,
    Generation,
    ProjectionStore,
    Put,
    Search,
    WriteBatch,
    WriteNotifier,
)

ORDERS = "order_details"
CUSTOMERS = "customers"
START = datetime(2026, 1, 5, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Capabilities:
    """How adapters may differ."""

    whole_batches: bool = True
    """A conflict leaves nothing of its batch written."""


class ReadStore(Documents, ProjectionStore, WriteNotifier, Protocol):
    """All that an adapter offers."""


class Backend(Protocol):
    """How a suite gets stores: all opened by one backend see the same data."""

    capabilities: Capabilities

    async def open(self) -> ReadStore: ...

    async def restart(self) -> ReadStore: ...


def money(minor: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": f"{minor // 100}.{minor % 100:02}", "currency": currency, "minor": minor}


def line(product: str, quantity: int = 1, minor: int = 1000, name: str = "Tea") -> dict[str, Any]:
    return {
        "item_id": str(uuid4()),
        "product_id": product,
        "product_name": name,
        "quantity": quantity,
        "unit_price": money(minor),
        "line_total": money(minor * quantity),
    }


def order(
    key: str,
    *,
    customer: str = "c1",
    status: str = "created",
    items: Sequence[dict[str, Any]] = (),
    total: int | None = None,
    currency: str = "EUR",
    at: datetime = START,
    recipient: str = "Ada Lovelace",
    city: str = "London",
    reference: str | None = None,
) -> dict[str, Any]:
    lines = list(items)
    if total is None and lines:
        total = sum(item["line_total"]["minor"] for item in lines)
    time = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "id": key,
        "version": 0,
        "customer_id": customer,
        "status": status,
        "items": lines,
        "total_amount": None if total is None else money(total, currency),
        "shipping_address": {
            "recipient": recipient,
            "lines": ["1 Some Street"],
            "city": city,
            "region": None,
            "postal_code": None,
            "country": "GB",
        },
        "payment_method": None,
        "created_at": time,
        "created_day": time[:10],
        "updated_at": time,
        "confirmed_at": None,
        "shipped_at": None,
        "delivered_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "external_reference": reference,
        "discount": None,
        "freight": None,
    }


def customer(key: str, name: str, email: str) -> dict[str, Any]:
    return {
        "id": key,
        "version": 0,
        "name": name,
        "email": email,
        "roles": ["customer"],
        "status": "active",
        "registered_at": "2026-01-05T10:00:00.000000Z",
        "updated_at": "2026-01-05T10:00:00.000000Z",
    }


def later(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def new(document: dict[str, Any]) -> Put:
    return Put(document["id"], document, {f"order-{document['id']}": 0}, None)


def parked(stream: str, *, minute: int = 0, **others: Any) -> ParkedStream:
    return ParkedStream(ORDERS, stream, 3, uuid4(), "ValueError: no", later(minute), **others)


async def fill(store: ReadStore, generation: Generation, *documents: dict[str, Any]) -> None:
    """Write new documents, to be found by searches when this returns."""
    await store.write(generation, WriteBatch([new(document) for document in documents]))
    await store.refresh(generation.projection)


async def found(store: ReadStore, *conditions: Any, projection: str = ORDERS, **search: Any):
    """The ids of the documents that a search finds, in its order."""
    page = await store.search(projection, Search(conditions, **search))
    return [document["id"] for document in page.documents]


async def pages(store: ReadStore, search: Search, projection: str = ORDERS) -> list[list[str]]:
    """The ids on each page."""
    result: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = await store.search(
            projection, Search(search.conditions, search.sort, search.limit, cursor)
        )
        result.append([document["id"] for document in page.documents])
        cursor = page.next_cursor
        if cursor is None:
            return result
