"""What answers look like, and how documents become that."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Generic, TypeVar, cast

from typing_extensions import TypedDict

from contracts.documents import (
    AddressDocument,
    CustomerDocument,
    MoneyDocument,
    OrderDocument,
    OrderItemDocument,
    ProductDocument,
    StockDocument,
)
from contracts.values import currency_scale
from read_side.port import Document
from read_side.queries.times import shown_time

Shown = TypeVar("Shown")


class MoneyView(TypedDict):
    """An exact amount."""

    amount: str
    currency: str


class AddressView(TypedDict):
    """Where a parcel goes."""

    recipient: str
    lines: list[str]
    city: str
    region: str | None
    postal_code: str | None
    country: str


class OrderItemView(TypedDict):
    """A line of an order; name and price are those of the time it was added."""

    item_id: str
    product_id: str
    product_name: str
    quantity: int
    unit_price: MoneyView
    line_total: MoneyView


class OrderView(TypedDict):
    """An order, with its customer's name and e-mail as they are now (null while not known)."""

    id: str
    version: int
    customer_id: str
    customer_name: str | None
    customer_email: str | None
    status: str
    items: list[OrderItemView]
    total_amount: MoneyView | None
    shipping_address: AddressView
    created_at: str
    updated_at: str
    external_reference: str | None


class ProductView(TypedDict):
    """A product; `status` is `active` or `discontinued`."""

    id: str
    version: int
    name: str
    description: str
    price: MoneyView
    status: str


class UserView(TypedDict):
    """A user's profile; `status` is `active` or `deactivated`."""

    id: str
    version: int
    name: str
    email: str
    roles: list[str]
    status: str


class StockLocationView(TypedDict):
    """What lies at one place."""

    location: str
    on_hand: int


class StockView(TypedDict):
    """Stock of one SKU; `available` is what is on hand and not reserved."""

    sku: str
    version: int
    on_hand: int
    reserved: int
    available: int
    locations: list[StockLocationView]


class SalesRow(TypedDict):
    """Sales of one day or of one product."""

    key: str
    orders: int
    units: int
    revenue: MoneyView


class SalesReport(TypedDict):
    """Sales by day or by product, in the order of the key, and the sum of the revenues."""

    rows: list[SalesRow]
    total: MoneyView


class Page(TypedDict, Generic[Shown]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[Shown]
    next_cursor: str | None


class OrderPage(TypedDict):
    """One page of orders; `counts` is how many there are by status under the other filters."""

    items: list[OrderView]
    next_cursor: str | None
    counts: dict[str, int]


def money_view(money: MoneyDocument) -> MoneyView:
    """An amount without its minor units."""
    return {"amount": money["amount"], "currency": money["currency"]}


def minor_view(minor: int, currency: str) -> MoneyView:
    """So many minor units of a currency, however many."""
    scale = currency_scale(currency)
    digits = tuple(int(digit) for digit in str(abs(minor)))
    amount = Decimal((0 if minor >= 0 else 1, digits, -scale))
    return {"amount": f"{amount:f}", "currency": currency}


def order_view(document: Document, customers: Mapping[str, Document]) -> OrderView:
    """An order joined with its customer."""
    order = cast("OrderDocument", document)
    customer = cast("CustomerDocument | None", customers.get(order["customer_id"]))
    total = order["total_amount"]
    return {
        "id": order["id"],
        "version": order["version"],
        "customer_id": order["customer_id"],
        "customer_name": customer["name"] if customer else None,
        "customer_email": customer["email"] if customer else None,
        "status": order["status"],
        "items": [_item_view(item) for item in order["items"]],
        "total_amount": money_view(total) if total else None,
        "shipping_address": _address_view(order["shipping_address"]),
        "created_at": shown_time(order["created_at"]),
        "updated_at": shown_time(order["updated_at"]),
        "external_reference": order["external_reference"],
    }


def product_view(document: Document) -> ProductView:
    """A product of the catalogue."""
    product = cast("ProductDocument", document)
    return {
        "id": product["id"],
        "version": product["version"],
        "name": product["name"],
        "description": product["description"],
        "price": money_view(product["price"]),
        "status": product["status"],
    }


def user_view(document: Document) -> UserView:
    """A user's profile."""
    user = cast("CustomerDocument", document)
    return {
        "id": user["id"],
        "version": user["version"],
        "name": user["name"],
        "email": user["email"],
        "roles": user["roles"],
        "status": user["status"],
    }


def stock_view(document: Document) -> StockView:
    """The stock of one SKU, without the orders it is reserved for."""
    stock = cast("StockDocument", document)
    return {
        "sku": stock["sku"],
        "version": stock["version"],
        "on_hand": stock["on_hand"],
        "reserved": stock["reserved"],
        "available": stock["available"],
        "locations": [
            {"location": place["location"], "on_hand": place["on_hand"]}
            for place in stock["locations"]
        ],
    }


def _item_view(item: OrderItemDocument) -> OrderItemView:
    return {
        "item_id": item["item_id"],
        "product_id": item["product_id"],
        "product_name": item["product_name"],
        "quantity": item["quantity"],
        "unit_price": money_view(item["unit_price"]),
        "line_total": money_view(item["line_total"]),
    }


def _address_view(address: AddressDocument) -> AddressView:
    return {
        "recipient": address["recipient"],
        "lines": address["lines"],
        "city": address["city"],
        "region": address["region"],
        "postal_code": address["postal_code"],
        "country": address["country"],
    }
