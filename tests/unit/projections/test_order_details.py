"""Each event of an order, and what the document shows afterwards."""

from __future__ import annotations

import copy
from decimal import Decimal

from contracts.events.sales import (
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderLine,
    OrderShipped,
)
from contracts.values import SYSTEM, Address, Money
from projections.order_details import OrderDetails
from projections.projector import Context
from tests.support.aggregates import AT, happened
from tests.support.projections import STORE, given, metadata_at, stream

ADDRESS = Address("Ada Lovelace", ("1 Main Street",), "Paris", "FR", postal_code="75001")
TEA = OrderLine("line-1", "product-tea", "Tea", Money(Decimal("12.50"), "EUR"), 2)
TEA_DOCUMENT = {
    "item_id": "line-1",
    "product_id": "product-tea",
    "product_name": "Tea",
    "quantity": 2,
    "unit_price": {"amount": "12.50", "currency": "EUR", "minor": 1250},
    "line_total": {"amount": "25.00", "currency": "EUR", "minor": 2500},
}
CREATED = happened(
    OrderCreated,
    customer_id="customer-1",
    items=(TEA,),
    total=Money(Decimal("25.00"), "EUR"),
    shipping_address=ADDRESS,
)
EMPTY = happened(
    OrderCreated, customer_id="customer-1", items=(), total=None, shipping_address=ADDRESS
)
COFFEE = happened(
    ItemAdded,
    item_id="line-2",
    product_id="product-coffee",
    product_name="Coffee",
    unit_price=Money(Decimal("7.05"), "EUR"),
    quantity=3,
)
CONFIRMED = happened(
    OrderConfirmed, total=Money(Decimal("25.00"), "EUR"), payment_method="tok_visa"
)
DOCUMENT = {
    "id": "1",
    "version": 0,
    "customer_id": "customer-1",
    "status": "created",
    "items": [TEA_DOCUMENT],
    "total_amount": {"amount": "25.00", "currency": "EUR", "minor": 2500},
    "shipping_address": {
        "recipient": "Ada Lovelace",
        "lines": ["1 Main Street"],
        "city": "Paris",
        "region": None,
        "postal_code": "75001",
        "country": "FR",
    },
    "payment_method": None,
    "created_at": "2026-01-05T10:00:00.000000Z",
    "created_day": "2026-01-05",
    "updated_at": "2026-01-05T10:00:00.000000Z",
    "confirmed_at": None,
    "shipped_at": None,
    "delivered_at": None,
    "cancelled_at": None,
    "cancel_reason": None,
    "external_reference": None,
    "discount": None,
    "freight": None,
}
OTHER = stream("order-2", EMPTY, COFFEE)


def test_nothing_when_created_then_the_whole_order_is_shown():
    given(OrderDetails(), stream("order-1", CREATED), OTHER).then("1", DOCUMENT)


def test_nothing_when_created_without_lines_then_there_is_no_total():
    given(OrderDetails(), stream("order-1", EMPTY)).shows("1", items=[], total_amount=None)


def test_nothing_when_imported_then_reference_and_notes_stand_outside_the_total():
    imported = happened(
        OrderCreated,
        **CREATED.data
        | {
            "external_reference": "10248",
            "discount": Money(Decimal("1.00"), "EUR"),
            "freight": Money(Decimal("32.38"), "EUR"),
        },
    )
    given(OrderDetails(), stream("order-1", imported)).shows(
        "1",
        total_amount=DOCUMENT["total_amount"],
        external_reference="10248",
        discount={"amount": "1.00", "currency": "EUR", "minor": 100},
        freight={"amount": "32.38", "currency": "EUR", "minor": 3238},
    )


def test_created_when_item_added_then_line_and_total_grow():
    given(OrderDetails(), stream("order-1", CREATED, COFFEE), OTHER).then(
        "1",
        DOCUMENT
        | {
            "version": 1,
            "updated_at": "2026-01-05T10:01:00.000000Z",
            "items": [
                TEA_DOCUMENT,
                {
                    "item_id": "line-2",
                    "product_id": "product-coffee",
                    "product_name": "Coffee",
                    "quantity": 3,
                    "unit_price": {"amount": "7.05", "currency": "EUR", "minor": 705},
                    "line_total": {"amount": "21.15", "currency": "EUR", "minor": 2115},
                },
            ],
            "total_amount": {"amount": "46.15", "currency": "EUR", "minor": 4615},
        },
    )


def test_empty_when_item_added_then_total_has_the_items_currency():
    given(OrderDetails(), OTHER).shows(
        "2", total_amount={"amount": "21.15", "currency": "EUR", "minor": 2115}
    )


def test_two_lines_when_one_removed_then_the_other_stays():
    events = stream("order-1", CREATED, COFFEE, happened(ItemRemoved, item_id="line-2"))
    given(OrderDetails(), events, OTHER).then(
        "1", DOCUMENT | {"version": 2, "updated_at": "2026-01-05T10:02:00.000000Z"}
    )


def test_one_line_when_removed_then_there_is_no_total():
    events = stream("order-1", CREATED, happened(ItemRemoved, item_id="line-1"))
    given(OrderDetails(), events).shows("1", items=[], total_amount=None)


def test_created_when_confirmed_then_status_time_and_method():
    given(OrderDetails(), stream("order-1", CREATED, CONFIRMED), OTHER).then(
        "1",
        DOCUMENT
        | {
            "version": 1,
            "status": "confirmed",
            "payment_method": "tok_visa",
            "confirmed_at": "2026-01-05T10:01:00.000000Z",
            "updated_at": "2026-01-05T10:01:00.000000Z",
        },
    )


def test_created_when_cancelled_then_reason_and_time():
    cancelled = happened(OrderCancelled, reason="changed my mind", cancelled_by=SYSTEM)
    given(OrderDetails(), stream("order-1", CREATED, cancelled)).shows(
        "1",
        version=1,
        status="cancelled",
        cancel_reason="changed my mind",
        cancelled_at="2026-01-05T10:01:00.000000Z",
    )


def test_confirmed_when_shipped_and_delivered_then_both_times_are_kept():
    events = stream("order-1", CREATED, CONFIRMED, happened(OrderShipped), happened(OrderDelivered))
    given(OrderDetails(), events, OTHER).shows(
        "1",
        version=3,
        status="delivered",
        shipped_at="2026-01-05T10:02:00.000000Z",
        delivered_at="2026-01-05T10:03:00.000000Z",
        updated_at="2026-01-05T10:03:00.000000Z",
    )


def test_no_order_when_confirmed_then_the_stream_is_parked():
    given(OrderDetails(), stream("order-1", CONFIRMED)).parks("order-1", version=0)


def test_document_given_when_projected_then_it_is_not_changed():
    before = copy.deepcopy(DOCUMENT)
    for what in (COFFEE, happened(ItemRemoved, item_id="line-1"), CONFIRMED):
        event = what.type(originator_id="1", originator_version=1, timestamp=AT, **what.data)
        [recorded] = stream("order-1", what, first=1)
        context = Context(recorded, STORE, metadata_at(AT))
        assert OrderDetails().project(before, event, context)["version"] == 1
        assert before == DOCUMENT
