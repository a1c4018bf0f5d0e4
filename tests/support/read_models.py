"""Made-up documents, a read store filled with them, and projections that say what a test wants."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from contracts.documents import (
    CUSTOMERS,
    DOCUMENT_TYPES,
    ORDER_DETAILS,
    PRODUCT_CATALOGUE,
    STOCK_LEVELS,
)
from contracts.parked import ParkedStream
from contracts.values import Money
from read_side.freshness import ProjectionState, RebuildState, Write, rebuild_under_way
from read_side.port import Document, Put, WriteBatch
from read_side.sqlite import SqliteReadStore

STATUSES = ("created", "confirmed", "shipped", "delivered", "cancelled")
CURRENCIES = ("EUR", "EUR", "EUR", "JPY", "KWD")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def stored(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def money(minor: int, currency: str) -> Document:
    return {
        "amount": str(Money.from_minor(minor, currency).amount),
        "currency": currency,
        "minor": minor,
    }


def new_id(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def customer(user_id: str, name: str, email: str, *, registered: datetime = BEGIN) -> Document:
    return {
        "id": user_id,
        "version": 0,
        "name": name,
        "email": email,
        "roles": ["customer"],
        "status": "active",
        "registered_at": stored(registered),
        "updated_at": stored(registered),
    }


def product(product_id: str, name: str, *, status: str = "active") -> Document:
    return {
        "id": product_id,
        "version": 1,
        "name": name,
        "name_key": name.casefold(),
        "description": f"Finest {name}",
        "price": money(1250, "EUR"),
        "status": status,
        "updated_at": stored(BEGIN),
    }


def stock(sku: str, on_hand: int, reserved: int) -> Document:
    return {
        "sku": sku,
        "version": 2,
        "on_hand": on_hand,
        "reserved": reserved,
        "available": on_hand - reserved,
        "locations": [{"location": "paris", "on_hand": on_hand}],
        "updated_at": stored(BEGIN),
    }


def line(chance: random.Random, bought: Document, currency: str) -> Document:
    quantity, price = chance.randint(1, 9), chance.randint(1, 99_999)
    return {
        "item_id": new_id(chance),
        "product_id": bought["id"],
        "product_name": bought["name"],
        "quantity": quantity,
        "unit_price": money(price, currency),
        "line_total": money(price * quantity, currency),
    }


def order(
    chance: random.Random,
    customer_id: str,
    bought: Sequence[Document],
    created: datetime,
    *,
    status: str = "created",
    currency: str = "EUR",
    reference: str | None = None,
) -> Document:
    items = [line(chance, one, currency) for one in bought]
    total = sum(item["line_total"]["minor"] for item in items)
    return {
        "id": new_id(chance),
        "version": 3,
        "customer_id": customer_id,
        "status": status,
        "items": items,
        "total_amount": money(total, currency) if items else None,
        "shipping_address": {
            "recipient": f"Recipient {chance.randint(1, 5)}",
            "lines": ["12 rue de la Paix"],
            "city": chance.choice(["Paris", "Lyon", "Köln"]),
            "region": None,
            "postal_code": "75002",
            "country": "FR",
        },
        "payment_method": "tok_visa",
        "created_at": stored(created),
        "created_day": stored(created)[:10],
        "updated_at": stored(created + timedelta(microseconds=7)),
        "confirmed_at": None,
        "shipped_at": None,
        "delivered_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "external_reference": reference,
        "discount": None,
        "freight": None,
    }


@dataclass(frozen=True)
class Shop:
    """A made-up shop; the same each time."""

    customers: list[Document]
    products: list[Document]
    orders: list[Document]
    stock: list[Document]


def shop(orders: int = 200, seed: int = 1) -> Shop:
    chance = random.Random(seed)
    names = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Ada Yonath"]
    customers = [
        customer(
            new_id(chance),
            name,
            f"{name.lower().replace(' ', '.')}@example.com",
            registered=BEGIN + timedelta(days=number),
        )
        for number, name in enumerate(names)
    ]
    products = [
        product(new_id(chance), name, status="discontinued" if name == "Chicory" else "active")
        for name in ("Tea", "coffee", "Chicory", "Éclair", "Zucchini")
    ]
    made = [_order(chance, customers, products, number) for number in range(orders)]
    levels = [stock(f"SKU.{number:03}", number * 10, min(number, 5)) for number in range(7)]
    return Shop(customers, products, made, levels)


def _order(
    chance: random.Random, customers: list[Document], products: list[Document], number: int
) -> Document:
    return order(
        chance,
        chance.choice(customers)["id"],
        chance.sample(products, chance.randint(0, 3)),
        # Few moments, so that many orders are of the same one.
        BEGIN + timedelta(hours=chance.randint(0, 90), microseconds=chance.choice([0, 120_000])),
        status=chance.choice(STATUSES),
        currency=chance.choice(CURRENCIES),
        reference=f"REF-{number}" if number % 10 == 0 else None,
    )


class FilledStore:
    """A read store with one active generation of each document type."""

    def __init__(self, store: SqliteReadStore) -> None:
        self.store = store

    async def activate_all(self) -> None:
        for kind in DOCUMENT_TYPES.values():
            generation = await self.store.create_generation(kind, "test")
            await self.store.activate(generation)

    async def put(self, kind, *documents: Document) -> None:
        [generation] = await self.store.generations(kind.name)
        name = "sku" if kind is STOCK_LEVELS else "id"
        keys = [document[name] for document in documents]
        known = await self.store.load(generation, keys)
        puts = [
            Put(key, document, {}, known[key].revision if key in known else None)
            for key, document in zip(keys, documents, strict=True)
        ]
        await self.store.write(generation, WriteBatch(puts))

    async def fill(self, made: Shop) -> None:
        await self.put(CUSTOMERS, *made.customers)
        await self.put(PRODUCT_CATALOGUE, *made.products)
        await self.put(ORDER_DETAILS, *made.orders)
        await self.put(STOCK_LEVELS, *made.stock)


async def fill_folder(folder: Path, made: Shop) -> None:
    store = await SqliteReadStore.open(folder)
    filled = FilledStore(store)
    await filled.activate_all()
    await filled.fill(made)
    await store.close()


@dataclass
class FakeProjections:
    """`read_side.freshness.Projections` as a test sets it."""

    lags: dict[str, float | None] = field(default_factory=dict)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    """Projection and stream that are not shown."""
    parked_streams: list[ParkedStream] = field(default_factory=list)
    rebuilding: dict[str, RebuildState] = field(default_factory=dict)
    asked: list[tuple] = field(default_factory=list)

    async def shows(self, projection: str, write: Write, timeout: float) -> bool:  # noqa: ASYNC109
        self.asked.append(("shows", projection, write, timeout))
        return (projection, write.stream) not in self.hidden

    async def lag(self, projection: str) -> float | None:
        self.asked.append(("lag", projection))
        return self.lags.get(projection, 0.0)

    async def states(self) -> list[ProjectionState]:
        return [
            ProjectionState(
                name,
                1,
                "live",
                self.lags.get(name, 0.0),
                len(self.parked_streams),
                self.rebuilding.get(name),
            )
            for name in DOCUMENT_TYPES
        ]

    async def parked(self) -> list[ParkedStream]:
        return list(self.parked_streams)

    async def start_rebuild(self, projection: str) -> None:
        if projection in self.rebuilding:
            raise rebuild_under_way(projection)
        self.asked.append(("rebuild", projection))

    async def retry(self, parked_id: str) -> bool:
        return self._request(parked_id, "retry", None)

    async def discard(self, parked_id: str, reason: str) -> bool:
        return self._request(parked_id, "discard", reason)

    def _request(self, parked_id: str, request: str, reason: str | None) -> bool:
        for number, stream in enumerate(self.parked_streams):
            if stream.id == parked_id:
                self.parked_streams[number] = replace(stream, request=request, reason=reason)
                return True
        return False
