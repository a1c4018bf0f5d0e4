"""Commands of Sales."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StrictInt,
    StringConstraints,
)

from contracts.commands.base import Command, Id
from contracts.values import Address, Money, Name, Text, clean_text

MAX_LINES = 500
MAX_PRICE_MINOR = 10**11
"""Unit prices stay below this many minor units: a full order still fits `MAX_MINOR`."""


def _is_price(price: Money) -> Money:
    if not 0 <= price.minor < MAX_PRICE_MINOR:
        raise ValueError("a price is not negative and below 10^11 minor units")
    return price


def _is_not_negative(amount: Money) -> Money:
    if amount.minor < 0:
        raise ValueError("the amount is not negative")
    return amount


def _is_written_out(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and "-" not in value[1:]):
        raise ValueError('a time is written as "1996-07-04T00:00:00Z", never as a number')
    return value


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range") from None


Time = Annotated[AwareDatetime, BeforeValidator(_is_written_out), AfterValidator(_in_utc)]


def _is_no_card_number(token: str) -> str:
    digits = [int(char) for char in token if char.isdigit()]
    if 12 <= len(digits) <= 19 and not any(char.isalpha() for char in token):
        doubled = [2 * digit for digit in digits[-2::-2]]
        if (sum(digits[-1::-2]) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0:
            raise ValueError("a payment method is a token of the provider, never a card number")
    return token


Price = Annotated[Money, AfterValidator(_is_price)]
Quantity = Annotated[StrictInt, Field(ge=1, le=10_000, examples=[2])]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(clean_text),
]
Reference = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(clean_text),
]
PaymentMethod = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,200}$"),
    AfterValidator(_is_no_card_number),
    Field(examples=["tok_visa"]),
]
"""An opaque token of the payment provider, never a card number."""


class AddProduct(Command):
    """Offer a product."""

    product_id: Id
    name: Name
    description: Text = ""
    price: Price


class ChangeProductDetails(Command):
    """Give a product another name or description; None leaves it as it is."""

    product_id: Id
    name: Name | None = None
    description: Text | None = None


class ChangePrice(Command):
    """Give a product another price, for lines added from now on."""

    product_id: Id
    price: Price


class DiscontinueProduct(Command):
    """Stop offering a product."""

    product_id: Id


class OrderItem(Command):
    """A product to order, and how many of it."""

    product_id: Id
    quantity: Quantity


class CreateOrder(Command):
    """Begin an order, with or without lines."""

    order_id: Id
    customer_id: Id
    items: Annotated[tuple[OrderItem, ...], Field(max_length=MAX_LINES)] = ()
    shipping_address: Address


class AddItem(Command):
    """Put a product into an order."""

    order_id: Id
    product_id: Id
    quantity: Quantity


class RemoveItem(Command):
    """Take a line out of an order."""

    order_id: Id
    item_id: Id


class ConfirmOrder(Command):
    """Order bindingly."""

    order_id: Id
    payment_method: PaymentMethod | None = None


class CancelOrder(Command):
    """Give an order up before it is shipped."""

    order_id: Id
    reason: Reason


class MarkOrderShipped(Command):
    """The goods left."""

    order_id: Id


class MarkOrderDelivered(Command):
    """The goods arrived."""

    order_id: Id


class ImportedLine(Command):
    """A line of history, at the price of its time."""

    product_id: Id
    unit_price: Price
    quantity: Quantity


class ImportOrder(Command):
    """Take over an order from history; discount and freight are notes outside the total."""

    customer_id: Id
    items: Annotated[tuple[ImportedLine, ...], Field(max_length=MAX_LINES)]
    shipping_address: Address
    created_at: Time
    external_reference: Reference
    discount: Annotated[Money, AfterValidator(_is_not_negative)] | None = None
    freight: Annotated[Money, AfterValidator(_is_not_negative)] | None = None
