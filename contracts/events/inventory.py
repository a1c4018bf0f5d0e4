"""Events of Inventory: stock items, and the table of products and SKUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from contracts.events.base import Event


class StockEvent(Event):
    """An event of one SKU's stock. The SKU is the aggregate's id."""

    CATEGORY: ClassVar[str] = "stock"


@dataclass(frozen=True)
class StockReceived(StockEvent):
    """Goods arrived at a location."""

    TOPIC = "stock.StockReceived"

    location: str
    quantity: int


@dataclass(frozen=True)
class StockAdjusted(StockEvent):
    """A stock-take found `counted` at a location where `expected` should have been."""

    TOPIC = "stock.StockAdjusted"

    location: str
    expected: int
    counted: int
    reason: str


@dataclass(frozen=True)
class StockReserved(StockEvent):
    """The order's reservation is this quantity, as of that version of the order.

    Until then it was `before`, so that a sum needs no list of all reservations.
    """

    TOPIC = "stock.StockReserved"

    order_id: str
    order_version: int
    quantity: int
    before: int = 0


@dataclass(frozen=True)
class StockReleased(StockEvent):
    """The order's reservation ended; `quantity` was reserved (0: only a fence).

    No reservation of an order version up to this one can come after it.
    """

    TOPIC = "stock.StockReleased"

    order_id: str
    order_version: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How much was taken from one location."""

    location: str
    quantity: int


@dataclass(frozen=True)
class StockIssued(StockEvent):
    """The order's goods left: its reservation and what is on hand drop by `quantity`."""

    TOPIC = "stock.StockIssued"

    order_id: str
    quantity: int
    taken: tuple[Taken, ...]


class SkuMappingEvent(Event):
    """An event of the one table of products and SKUs; never published."""

    CATEGORY: ClassVar[str] = "sku_mapping"


@dataclass(frozen=True)
class ProductMapped(SkuMappingEvent):
    """Inventory keeps this product under that SKU."""

    TOPIC = "sku_mapping.ProductMapped"

    product_id: str
    sku: str
