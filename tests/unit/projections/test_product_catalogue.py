"""Each event of a product, and what the catalogue shows afterwards."""

from __future__ import annotations

from decimal import Decimal

from contracts.events.sales import (
    ProductAdded,
    ProductDetailsChanged,
    ProductDiscontinued,
    ProductPriceChanged,
)
from contracts.values import Money
from projections.product_catalogue import ProductCatalogue
from tests.support.aggregates import happened
from tests.support.projections import given, stored, stream

ADDED = happened(
    ProductAdded, name="Groß Tea", description="green", price=Money(Decimal("12.50"), "EUR")
)
DOCUMENT = {
    "id": "1",
    "version": 0,
    "name": "Groß Tea",
    "name_key": "gross tea",
    "description": "green",
    "price": {"amount": "12.50", "currency": "EUR", "minor": 1250},
    "status": "active",
    "updated_at": "2026-01-05T10:00:00.000000Z",
}
LATER = "2026-01-05T10:01:00.000000Z"
OTHER = stream(
    "product-2",
    happened(ProductAdded, name="Cup", description="", price=Money(Decimal(900), "JPY")),
)


def given_product(*events):
    return given(ProductCatalogue(), stream("product-1", ADDED, *events), OTHER)


def test_nothing_when_added_then_the_product_is_shown():
    given_product().then("1", DOCUMENT)
    given_product().shows("2", price={"amount": "900", "currency": "JPY", "minor": 900})


def test_active_when_details_changed_then_name_key_follows():
    given_product(happened(ProductDetailsChanged, name="Tea", description="black")).then(
        "1",
        DOCUMENT
        | {
            "version": 1,
            "name": "Tea",
            "name_key": "tea",
            "description": "black",
            "updated_at": LATER,
        },
    )


def test_active_when_price_changed_then_the_new_price_is_shown():
    price = {"amount": "13.00", "currency": "EUR", "minor": 1300}
    given_product(happened(ProductPriceChanged, price=Money(Decimal(13), "EUR"))).then(
        "1", DOCUMENT | {"version": 1, "price": price, "updated_at": LATER}
    )


def test_active_when_discontinued_then_status_says_so():
    given_product(happened(ProductDiscontinued)).then(
        "1", DOCUMENT | {"version": 1, "status": "discontinued", "updated_at": LATER}
    )


def test_no_product_when_discontinued_then_the_stream_is_parked():
    events = stream("product-1", happened(ProductDiscontinued))
    given(ProductCatalogue(), events).parks("product-1", version=0)


def test_sample_of_schema_version_1_when_projected_then_it_comes_through_the_upcaster():
    sample = stored("ProductAdded", schema_version=1, name="Tea", price="12.50", currency="EUR")
    given(ProductCatalogue(), stream("product-1", sample)).then(
        "1", DOCUMENT | {"name": "Tea", "name_key": "tea", "description": ""}
    )
