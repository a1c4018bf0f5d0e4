"""The read models' documents: their shape, and which of their fields can be searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypedDict


class FieldKind(Enum):
    """How a field is indexed."""

    KEYWORD = "keyword"
    """An exact string: filter, sort, group."""
    TEXT = "text"
    """Words: found by full-text search only."""
    DATE = "date"
    """An ISO 8601 UTC time with fixed width: filter by range, sort."""
    LONG = "long"
    """A signed 64-bit integer: filter by range, sort, sum."""


@dataclass(frozen=True, slots=True)
class DocumentType:
    """One kind of document. Field names are dotted paths into the document.

    `nested` names lists of objects in the document and the fields of each object; such a field
    is written `items.product_id` in filters, groups and sums.
    """

    name: str
    fields: Mapping[str, FieldKind]
    nested: Mapping[str, Mapping[str, FieldKind]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    sorted_by: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """For a field by which very many documents are found: the field that sorts them, so that a page
    of them is read without sorting them all."""


class MoneyDocument(TypedDict):
    """The exact amount, and the same in minor units for sorting and summing."""

    amount: str
    currency: str
    minor: int


class AddressDocument(TypedDict):
    """An address as events carry it."""

    recipient: str
    lines: list[str]
    city: str
    region: str | None
    postal_code: str | None
    country: str


class OrderItemDocument(TypedDict):
    """One line of an order."""

    item_id: str
    product_id: str
    product_name: str
    quantity: int
    unit_price: MoneyDocument
    line_total: MoneyDocument


class OrderDocument(TypedDict):
    """One order. Times are ISO 8601 in UTC, business time."""

    id: str
    version: int
    customer_id: str
    status: str
    items: list[OrderItemDocument]
    total_amount: MoneyDocument | None
    shipping_address: AddressDocument
    payment_method: str | None
    created_at: str
    created_day: str
    updated_at: str
    confirmed_at: str | None
    shipped_at: str | None
    delivered_at: str | None
    cancelled_at: str | None
    cancel_reason: str | None
    external_reference: str | None
    discount: MoneyDocument | None
    freight: MoneyDocument | None


class CustomerDocument(TypedDict):
    """A user's profile."""

    id: str
    version: int
    name: str
    email: str
    roles: list[str]
    status: str
    registered_at: str
    updated_at: str


class ProductDocument(TypedDict):
    """A product. `status` is `active` or `discontinued`; `name_key` sorts by name in any case."""

    id: str
    version: int
    name: str
    name_key: str
    description: str
    price: MoneyDocument
    status: str
    updated_at: str


class StockLocationDocument(TypedDict):
    """What lies at one place."""

    location: str
    on_hand: int


class StockDocument(TypedDict):
    """Stock of one SKU."""

    sku: str
    version: int
    on_hand: int
    reserved: int
    available: int
    locations: list[StockLocationDocument]
    updated_at: str


class EventLogDocument(TypedDict):
    """Index of the audit: everything about an event but its payload."""

    event_id: str
    stream: str
    version: int
    category: str
    type: str
    occurred_at: str
    recorded_at: str
    position: str
    store: str
    actor_kind: str
    actor_id: str
    command: str
    command_id: str
    correlation_id: str
    causation_id: str


_K, _T, _D, _L = FieldKind.KEYWORD, FieldKind.TEXT, FieldKind.DATE, FieldKind.LONG

ORDER_DETAILS = DocumentType(
    "order_details",
    {
        "id": _K,
        "customer_id": _K,
        "status": _K,
        "created_at": _D,
        "created_day": _K,
        "total_amount.minor": _L,
        "total_amount.currency": _K,
        "external_reference": _K,
        "shipping_address.recipient": _T,
        "shipping_address.city": _T,
    },
    nested={
        "items": {
            "product_id": _K,
            "product_name": _T,
            "quantity": _L,
            "line_total.minor": _L,
        }
    },
)
CUSTOMERS = DocumentType(
    "customers", {"id": _K, "name": _T, "email": _T, "status": _K, "registered_at": _D}
)
PRODUCT_CATALOGUE = DocumentType(
    "product_catalogue",
    {"id": _K, "name": _T, "description": _T, "status": _K, "name_key": _K},
)
STOCK_LEVELS = DocumentType(
    "stock_levels", {"sku": _K, "on_hand": _L, "reserved": _L, "available": _L}
)
EVENT_LOG = DocumentType(
    "event_log",
    {
        "event_id": _K,
        "stream": _K,
        "category": _K,
        "type": _K,
        "version": _L,
        "recorded_at": _D,
        "occurred_at": _D,
        "position": _K,
        "store": _K,
        "actor_id": _K,
        "command": _K,
        "correlation_id": _K,
        "causation_id": _K,
    },
    sorted_by={"actor_id": "recorded_at", "type": "recorded_at"},
)
DOCUMENT_TYPES = {
    kind.name: kind
    for kind in (ORDER_DETAILS, CUSTOMERS, PRODUCT_CATALOGUE, STOCK_LEVELS, EVENT_LOG)
}
