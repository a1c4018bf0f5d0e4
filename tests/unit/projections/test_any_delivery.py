"""Whatever the order of the streams, the repeats and the batches: the same documents."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.inventory import (
    StockAdjusted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    Taken,
)
from contracts.events.sales import (
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderLine,
    OrderShipped,
    ProductAdded,
    ProductDetailsChanged,
    ProductDiscontinued,
    ProductPriceChanged,
)
from contracts.events.users import (
    ProfileChanged,
    RoleGranted,
    RoleRevoked,
    UserDeactivated,
    UserRegistered,
)
from contracts.values import SYSTEM, Address, Money
from projections.catalogue import PROJECTORS
from projections.engine import Engine
from projections.projector import AnyProjector
from read_side.port import Checkpoint
from tests.support.aggregates import AT, Happened, happened
from tests.support.projections import STORE, interleaved, stored, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore

ADDRESS = Address("Ada", ("1 Main Street",), "Paris", "FR")
UNKNOWN = stored("NobodyKnowsThis", schema_version=9, anything=1)

euros = st.integers(0, 10_000).map(lambda minor: Money.from_minor(minor, "EUR"))
quantities = st.integers(1, 50)
lines = st.builds(
    OrderLine,
    item_id=st.sampled_from("abcdef"),
    product_id=st.sampled_from(["tea", "cup"]),
    product_name=st.sampled_from(["Tea", "Cup"]),
    unit_price=euros,
    quantity=quantities,
)
orders_ids = st.sampled_from(["o1", "o2", "o3"])
places = st.sampled_from(["north", "south"])


def _added(line: OrderLine) -> Happened:
    data = {name: getattr(line, name) for name in OrderLine.__slots__}
    return happened(ItemAdded, **data)


def _created(items: list[OrderLine]) -> Happened:
    total = sum((one.unit_price * one.quantity for one in items), Money.zero("EUR"))
    return happened(
        OrderCreated,
        customer_id="c",
        items=tuple(items),
        total=total if items else None,
        shipping_address=ADDRESS,
    )


def _lifecycle(first: st.SearchStrategy[Happened], *then: Any) -> st.SearchStrategy[list[Any]]:
    rest = st.lists(st.one_of(*then, st.just(UNKNOWN)), max_size=6)
    return st.builds(lambda begin, later: [begin, *later], first, rest)


def _any_of(event_type: type, **data: st.SearchStrategy[Any]) -> st.SearchStrategy[Happened]:
    return st.builds(happened, st.just(event_type), **data)


stock_events = (
    _any_of(StockReceived, location=places, quantity=quantities),
    _any_of(
        StockAdjusted, location=places, expected=quantities, counted=quantities, reason=st.just("")
    ),
    _any_of(StockReserved, order_id=orders_ids, order_version=quantities, quantity=quantities),
    _any_of(StockReleased, order_id=orders_ids, order_version=quantities, quantity=st.just(0)),
    _any_of(
        StockIssued,
        order_id=orders_ids,
        quantity=quantities,
        taken=places.map(lambda place: (Taken(place, 1),)),
    ),
)
orders = _lifecycle(
    st.lists(lines, max_size=3).map(_created),
    lines.map(_added),
    _any_of(ItemRemoved, item_id=st.sampled_from("abcdef")),
    _any_of(OrderConfirmed, total=euros, payment_method=st.just("tok")),
    _any_of(OrderCancelled, reason=st.just("why not"), cancelled_by=st.just(SYSTEM)),
    _any_of(OrderShipped),
    _any_of(OrderDelivered),
)
products = _lifecycle(
    _any_of(ProductAdded, name=st.just("Tea"), description=st.just(""), price=euros),
    _any_of(ProductDetailsChanged, name=st.sampled_from(["A", "B"]), description=st.just("x")),
    _any_of(ProductPriceChanged, price=euros),
    _any_of(ProductDiscontinued),
)
users = _lifecycle(
    _any_of(UserRegistered, name=st.just("Ada"), email=st.just("a@x.org"), roles=st.just(())),
    _any_of(ProfileChanged, name=st.sampled_from(["A", "B"]), email=st.just("b@x.org")),
    _any_of(RoleGranted, role=st.sampled_from(["operator", "auditor"])),
    _any_of(RoleRevoked, role=st.sampled_from(["operator", "auditor"])),
    _any_of(UserDeactivated),
)
shops = st.fixed_dictionaries(
    {
        "order-1": orders,
        "order-2": orders,
        "order-3": orders,
        "product-1": products,
        "product-2": products,
        "stock-1": _lifecycle(st.one_of(*stock_events), *stock_events),
        "stock-2": _lifecycle(st.one_of(*stock_events), *stock_events),
        "user-1": users,
        "user-2": users,
    }
)


async def project(
    projector: AnyProjector, events: MemoryEventStore, batches: list[list[Any]]
) -> tuple[Any, Any]:
    store = MemoryProjectionStore()
    generation = await store.create_generation(projector.document_type, "f")
    for batch in batches:
        # An engine each time: nothing may depend on what one remembers.
        engine = Engine(projector, generation, events, store, now=lambda: AT)
        await engine.process(batch, Checkpoint("all", STORE, "1"))
    assert not await store.parked(generation)
    return store.documents(generation), store.streams(generation)


def cut(events: list[Any], chance: random.Random) -> list[list[Any]]:
    """Batches of any sizes, with earlier ones delivered again now and then."""
    batches: list[list[Any]] = []
    while events:
        size = chance.randint(1, 12)
        batches.append(events[:size])
        events = events[size:]
        if chance.random() < 0.4:
            batches.append(chance.choice(batches))
    return batches


@pytest.mark.parametrize("name", PROJECTORS)
@settings(max_examples=25, deadline=None)
@given(shop=shops, seed=st.integers(0, 2**32))
def test_streams_when_delivered_in_any_way_then_documents_are_the_same(name, shop, seed):
    chance = random.Random(seed)
    events = MemoryEventStore()
    recorded = events.record(*(e for key, what in shop.items() for e in stream(key, *what)))

    async def both() -> tuple[Any, Any]:
        clean = await project(PROJECTORS[name], events, [recorded])
        batches = cut(interleaved(recorded, chance), chance)
        return clean, await project(PROJECTORS[name], events, batches)

    clean, other = asyncio.run(both())
    assert clean[0]
    assert other == clean


@settings(max_examples=25, deadline=None)
@given(shop=shops, seed=st.integers(0, 2**32))
def test_streams_when_events_are_left_out_then_gaps_are_filled_from_the_store(shop, seed):
    """Any subset that holds each stream's last event is enough, in any order whatever."""
    chance = random.Random(seed)
    events = MemoryEventStore()
    recorded = events.record(*(e for key, what in shop.items() for e in stream(key, *what)))
    last = {event.stream: event for event in recorded}
    some = [e for e in recorded if e is last[e.stream] or chance.random() < 0.5]
    chance.shuffle(some)

    async def both() -> tuple[Any, Any]:
        clean = await project(PROJECTORS["order_details"], events, [recorded])
        return clean, await project(PROJECTORS["order_details"], events, cut(some, chance))

    clean, other = asyncio.run(both())
    assert other == clean


def test_documents_are_not_trivial():
    """The generated lifecycles do reach what the projectors compute."""
    line = OrderLine("a", "tea", "Tea", Money(Decimal("1.50"), "EUR"), 2)
    events = MemoryEventStore()
    recorded = events.record(*stream("order-1", _created([line]), UNKNOWN, _added(line)))
    documents, streams = asyncio.run(project(PROJECTORS["order_details"], events, [recorded]))
    assert documents["1"]["total_amount"]["minor"] == 600
    assert streams == {"1": {"order-1": 2}}
