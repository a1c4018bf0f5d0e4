"""A small shop in real stores, and what projections show of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.events.inventory import StockReceived, StockReserved
from contracts.events.sales import ItemAdded, OrderConfirmed, OrderCreated, OrderLine, ProductAdded
from contracts.events.users import UserRegistered
from contracts.values import Address, Money
from event_store.port import Appended, StreamState
from event_store.sqlite import SqliteEventStore
from projections.catalogue import PROJECTORS
from projections.embedded import EmbeddedRunner
from projections.engine import Engine
from projections.progress import ReadProgress
from projections.projector import AnyProjector
from projections.status import Projections
from read_side.port import Search
from read_side.sqlite import SqliteReadStore
from tests.support.aggregates import happened
from tests.support.projections import new_event

EVENTS, DOCUMENTS = "events.db", "read"
TEA = OrderLine("line-1", "tea", "Tea", Money(Decimal("12.50"), "EUR"), 2)
USER = happened(UserRegistered, name="Ada", email="ada@example.com", roles=("customer",))
PRODUCT = happened(ProductAdded, name="Tea", description="green", price=TEA.unit_price)
RECEIVED = happened(StockReceived, location="north", quantity=10)
RESERVED = happened(StockReserved, order_id="1", order_version=0, quantity=2)
CREATED = happened(
    OrderCreated,
    customer_id="1",
    items=(TEA,),
    total=Money(Decimal(25), "EUR"),
    shipping_address=Address("Ada", ("1 Main Street",), "Paris", "FR"),
)
ADDED = happened(
    ItemAdded,
    item_id="line-2",
    product_id="cup",
    product_name="Cup",
    unit_price=Money(Decimal(1), "EUR"),
    quantity=1,
)
CONFIRMED = happened(OrderConfirmed, total=Money(Decimal(26), "EUR"), payment_method="tok")


class Shop:
    """Both stores of a folder, open."""

    def __init__(self, events: SqliteEventStore, documents: SqliteReadStore) -> None:
        self.events = events
        self.documents = documents
        self.status = Projections(events, documents, PROJECTORS)
        self.progress = ReadProgress(events, documents, documents, PROJECTORS)

    async def append(self, stream: str, *what: Any) -> Appended:
        first = await self.events.stream_version(stream) + 1
        new = [new_event(stream, version, one) for version, one in enumerate(what, first)]
        return await self.events.append(stream, new, expected=first - 1 if first else _NONE)

    async def shown(self, projection: str, stream: str, appended: Appended) -> bool:
        return await self.progress.shows(
            projection, stream, appended.version, appended.position, 10
        )

    async def all(self, projection: str) -> list[Mapping[str, Any]]:
        return list((await self.documents.search(projection, Search(limit=10_000))).documents)

    async def clean_build(self, projector: AnyProjector) -> list[Mapping[str, Any]]:
        """What a new generation makes of all events, in one batch; it becomes the active one."""
        made = await self.documents.create_generation(projector.document_type, "clean")
        page = await self.events.read_all(limit=1_000_000)
        await Engine(projector, made, self.events, self.documents).process(page.events)
        await self.documents.activate(made)
        return await self.all(projector.name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        runner = EmbeddedRunner(self.events, self.documents, PROJECTORS.values(), poll_seconds=0.02)
        await runner.start()
        try:
            async with asyncio.timeout(30):
                await runner.ready()
                yield
        finally:
            await runner.stop()


_NONE = StreamState.NO_STREAM


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Shop]:
    """The shop in this folder, as one process sees it."""
    events = await SqliteEventStore.open(folder / EVENTS)
    documents = await SqliteReadStore.open(folder / DOCUMENTS)
    try:
        yield Shop(events, documents)
    finally:
        await documents.close()
        await events.close()
