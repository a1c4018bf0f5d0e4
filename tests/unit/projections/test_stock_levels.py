"""Each event of a stock item, and what the levels show afterwards."""

from __future__ import annotations

from contracts.events.inventory import (
    StockAdjusted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    Taken,
)
from projections.stock_levels import StockLevels
from tests.support.aggregates import happened
from tests.support.projections import given, stream

RECEIVED = happened(StockReceived, location="north", quantity=10)
RECEIVED_SOUTH = happened(StockReceived, location="south", quantity=5)
RESERVED = happened(StockReserved, order_id="order-a", order_version=0, quantity=4)
OTHER = stream("stock-CUP", happened(StockReceived, location="north", quantity=1), RESERVED)


def given_stock(*events):
    return given(StockLevels(), stream("stock-TEA-1", *events), OTHER)


def test_nothing_when_received_then_the_item_is_shown():
    given_stock(RECEIVED).then(
        "TEA-1",
        {
            "sku": "TEA-1",
            "version": 0,
            "on_hand": 10,
            "reserved": 0,
            "available": 10,
            "locations": [{"location": "north", "on_hand": 10}],
            "updated_at": "2026-01-05T10:00:00.000000Z",
        },
    )


def test_stocked_when_received_elsewhere_then_locations_are_apart_and_sorted():
    given_stock(RECEIVED_SOUTH, RECEIVED, RECEIVED).shows(
        "TEA-1",
        version=2,
        on_hand=25,
        locations=[{"location": "north", "on_hand": 20}, {"location": "south", "on_hand": 5}],
    )


def test_stocked_when_adjusted_then_the_count_holds():
    counted = happened(StockAdjusted, location="north", expected=10, counted=7, reason="broken")
    given_stock(RECEIVED, RECEIVED_SOUTH, counted).shows("TEA-1", on_hand=12, available=12)


def test_stocked_when_reserved_again_then_the_reservation_is_set_not_added():
    again = happened(StockReserved, order_id="order-a", order_version=1, quantity=6, before=4)
    given_stock(RECEIVED, RESERVED, again).shows("TEA-1", on_hand=10, reserved=6, available=4)


def test_reserved_when_released_then_all_is_available():
    released = happened(StockReleased, order_id="order-a", order_version=1, quantity=4)
    given_stock(RECEIVED, RESERVED, released).shows("TEA-1", reserved=0, available=10)


def test_nothing_when_released_as_a_fence_then_an_empty_item_is_shown():
    fence = happened(StockReleased, order_id="order-a", order_version=1, quantity=0)
    given_stock(fence).shows("TEA-1", version=0, on_hand=0, reserved=0, available=0, locations=[])
    given_stock(fence, RECEIVED).shows("TEA-1", version=1, on_hand=10, available=10)


def test_reserved_when_issued_then_reservation_and_goods_drop():
    taken = (Taken("north", 3), Taken("south", 1))
    issued = happened(StockIssued, order_id="order-a", quantity=4, taken=taken)
    given_stock(RECEIVED, RECEIVED_SOUTH, RESERVED, issued).shows(
        "TEA-1",
        on_hand=11,
        reserved=0,
        available=11,
        locations=[{"location": "north", "on_hand": 7}, {"location": "south", "on_hand": 4}],
    )
