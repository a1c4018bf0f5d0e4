"""Commands of Inventory."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StrictInt, StringConstraints

from contracts.commands.base import Command, Id, Sku
from contracts.values import clean_text

MAX_STOCK = 1_000_000_000
Location = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(clean_text),
    Field(examples=["main"]),
]
OrderVersion = Annotated[StrictInt, Field(ge=0, lt=2**63)]
StockReason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(clean_text),
]


class ReceiveStock(Command):
    """Goods arrived."""

    sku: Sku
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)]
    location: Location


class AdjustStock(Command):
    """A stock-take counted what lies at a location."""

    sku: Sku
    location: Location
    counted: Annotated[StrictInt, Field(ge=0, le=MAX_STOCK)]
    reason: StockReason


class ReserveStock(Command):
    """Set the order's reservation of a SKU to the order's whole quantity, as of its version."""

    sku: Sku
    order_id: Id
    order_version: OrderVersion
    quantity: Annotated[StrictInt, Field(ge=0, le=MAX_STOCK)]
    caused_at: AwareDatetime | None = None
    """When the event that caused this was recorded; None for a command from outside."""


class ReleaseStock(Command):
    """End the order's reservation of a SKU."""

    sku: Sku
    order_id: Id
    order_version: OrderVersion


class IssueStock(Command):
    """The goods of an order leave."""

    sku: Sku
    order_id: Id


class MapProduct(Command):
    """Say under which SKU a product is kept."""

    product_id: Id
    sku: Sku
