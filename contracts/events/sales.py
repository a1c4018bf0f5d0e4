"""Events of Sales: products and orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from contracts.events.base import Event
from contracts.values import Actor, Address, Money, Personal


class ProductEvent(Event):
    """An event of a product."""

    CATEGORY: ClassVar[str] = "product"


@dataclass(frozen=True)
class ProductAdded(ProductEvent):
    """A product can be ordered from now on. Version 1 had a flat price and no description."""

    TOPIC = "product.ProductAdded"
    SCHEMA_VERSION = 2

    name: str
    description: str
    price: Money


@dataclass(frozen=True)
class ProductDetailsChanged(ProductEvent):
    """Name and description are these from now on."""

    TOPIC = "product.ProductDetailsChanged"

    name: str
    description: str


@dataclass(frozen=True)
class ProductPriceChanged(ProductEvent):
    """Lines added from now on have this price."""

    TOPIC = "product.ProductPriceChanged"

    price: Money


@dataclass(frozen=True)
class ProductDiscontinued(ProductEvent):
    """The product can't be ordered any more."""

    TOPIC = "product.ProductDiscontinued"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order; the name and the price are those at the time it was added."""

    item_id: str
    product_id: str
    product_name: str
    unit_price: Money
    quantity: int


class OrderEvent(Event):
    """An event of an order."""

    CATEGORY: ClassVar[str] = "order"


@dataclass(frozen=True)
class OrderCreated(OrderEvent):
    """A customer began an order. `total` is None while there are no lines.

    Imported history has a reference, and its discount and freight as notes outside the total.
    """

    TOPIC = "order.OrderCreated"

    customer_id: str
    items: tuple[OrderLine, ...]
    total: Money | None
    shipping_address: Annotated[Address, Personal(of="customer_id")]
    external_reference: str | None = None
    discount: Money | None = None
    freight: Money | None = None


@dataclass(frozen=True)
class ItemAdded(OrderEvent):
    """A line was added."""

    TOPIC = "order.ItemAdded"

    item_id: str
    product_id: str
    product_name: str
    unit_price: Money
    quantity: int


@dataclass(frozen=True)
class ItemRemoved(OrderEvent):
    """A line was taken out."""

    TOPIC = "order.ItemRemoved"

    item_id: str


@dataclass(frozen=True)
class OrderConfirmed(OrderEvent):
    """The customer ordered bindingly. `payment_method` is an opaque token of the provider."""

    TOPIC = "order.OrderConfirmed"

    total: Money
    payment_method: str | None


@dataclass(frozen=True)
class OrderCancelled(OrderEvent):
    """The order will not be carried out."""

    TOPIC = "order.OrderCancelled"

    reason: str
    cancelled_by: Actor


@dataclass(frozen=True)
class OrderShipped(OrderEvent):
    """The goods left."""

    TOPIC = "order.OrderShipped"


@dataclass(frozen=True)
class OrderDelivered(OrderEvent):
    """The goods arrived."""

    TOPIC = "order.OrderDelivered"
