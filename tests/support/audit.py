"""The past of one order and its stock, in memory: what the audit reads in tests without a store."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from bootstrap.past import ProjectedPast
from contracts.documents import EVENT_LOG
from contracts.events.inventory import StockReceived, StockReserved
from contracts.events.sales import ItemAdded, OrderConfirmed, OrderCreated, OrderLine
from contracts.values import Address, Money
from event_store.port import RecordedEvent
from projections.catalogue import PROJECTORS
from projections.event_log import EventLog
from projections.fold import Fold, Known
from read_side.audit.trail import AuditTrail
from read_side.port import WriteBatch
from read_side.sqlite import SqliteReadStore
from tests.support.aggregates import AT, happened
from tests.support.projections import STORE, in_order, stream

AUDITED_ORDER = "0b1e0000-0000-4000-8000-0000000000aa"
AUDITED = f"order-{AUDITED_ORDER}"
_TEA = OrderLine("line-1", "tea", "Tea", Money(Decimal("12.50"), "EUR"), 2)
_CREATED = happened(
    OrderCreated,
    customer_id="ada",
    items=(_TEA,),
    total=Money(Decimal(25), "EUR"),
    shipping_address=Address("Ada", ("1 Main Street",), "Paris", "FR"),
)
_ADDED = happened(
    ItemAdded,
    item_id="line-2",
    product_id="cup",
    product_name="Cup",
    unit_price=Money(Decimal(1), "EUR"),
    quantity=1,
)
_CONFIRMED = happened(OrderConfirmed, total=Money(Decimal(26), "EUR"), payment_method="tok")
EVENTS = in_order(
    [
        stream("stock-TEA", happened(StockReceived, location="north", quantity=10)),
        stream(AUDITED, _CREATED, _ADDED, _CONFIRMED),
        stream("stock-CUP", happened(StockReserved, order_id="1", order_version=0, quantity=2)),
    ]
)


class FakeEvents:
    """Reads streams from a list of events."""

    def __init__(self, events: Sequence[RecordedEvent]) -> None:
        self._events = events
        self.reads = 0

    async def read_stream(
        self,
        stream: str,
        *,
        first: int | None = None,
        last: int | None = None,
        limit: int | None = None,
    ) -> Sequence[RecordedEvent]:
        self.reads += 1
        found = [
            event
            for event in self._events
            if event.stream == stream
            and event.version >= (first or 0)
            and (last is None or event.version <= last)
        ]
        return found[:limit]


def past() -> ProjectedPast:
    """The fold of the projectors."""
    return ProjectedPast(PROJECTORS.values())


def trail(documents: Any, events: Sequence[RecordedEvent] = EVENTS) -> AuditTrail:
    """The audit of these events."""
    return AuditTrail(FakeEvents(events), past(), documents)


async def put_event_log(folder: Path, events: Sequence[RecordedEvent] = EVENTS) -> None:
    """Fill the index of a read store's folder."""
    store = await SqliteReadStore.open(folder)
    [generation] = await store.generations(EVENT_LOG.name)
    fold = Fold(EventLog(), Known(STORE, {}, {}), {}, now=lambda: AT)
    for event in events:
        fold.apply(event)
    await store.write(generation, WriteBatch(fold.puts()))
    await store.close()
