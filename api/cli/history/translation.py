"""From the records of a shop's history to commands; ids follow from the shop's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from pydantic import ValidationError

from api.cli.history.countries import country_code
from api.cli.history.records import BadLine, CustomerRecord, LineRecord, OrderRecord, ProductRecord
from contracts.commands.base import Command
from contracts.commands.inventory import MapProduct, ReceiveStock
from contracts.commands.sales import AddProduct, ImportOrder
from contracts.commands.users import RegisterUser
from contracts.values import currency_scale
from write_side.kernel.context import derived_id

C = TypeVar("C", bound=Command)
LOCATION = "main"
LARGEST_RECEIPT = 1_000_000
"""Pieces that one ReceiveStock takes."""
_PLAIN_SKU = re.compile(r"[A-Z0-9](?:[A-Z0-9._]{0,54}[A-Z0-9])?")
_PLAIN_MAILBOX = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_FIELDS = {
    "items": "lines",
    "shipping_address": "ship_to",
    "external_reference": "order_id",
    "created_at": "order_date",
    "price": "unit_price",
}
"""What the files call what the commands call otherwise."""


def customer_id(key: str) -> str:
    """The id of the user made from a customer of the shop."""
    return derived_id("import", "customer", key)


def product_id(key: str) -> str:
    """The id of the product made from a product of the shop."""
    return derived_id("import", "product", key)


def sku_of(key: str) -> str:
    """The SKU of a product of the shop: `IMPORT.` and its id, as far as SKUs allow."""
    upper = key.upper()
    if _PLAIN_SKU.fullmatch(upper) and upper.lower() in (key, key.lower()):
        return f"IMPORT.{upper}"
    plain = re.sub(r"[^A-Z0-9._]", "_", upper)[:40]
    return f"IMPORT.{plain}.{product_id(key)[:8].upper()}"


def email_of(key: str) -> str:
    """An address for a customer of the shop, which has none."""
    name = key.lower()
    if len(name) > 60 or not _PLAIN_MAILBOX.fullmatch(name):
        name = f"customer-{customer_id(key)}"
    return f"{name}@example.com"


def register_user(record: CustomerRecord) -> RegisterUser:
    """Make a customer a user who can't sign in.

    Raises:
        BadLine: a field is not what it must be; so do the functions below.
    """
    return _valid(
        RegisterUser,
        user_id=customer_id(record.key),
        name=record.company_name,
        email=email_of(record.key),
    )


def add_product(record: ProductRecord, currency: str) -> AddProduct:
    """Offer a product at today's list price."""
    about = (record.category, record.quantity_per_unit)
    return _valid(
        AddProduct,
        product_id=product_id(record.key),
        name=record.product_name,
        description=", ".join(part for part in about if part),
        price={"amount": record.unit_price, "currency": currency},
    )


def map_product(record: ProductRecord) -> MapProduct:
    """Keep a product under its SKU."""
    return _valid(MapProduct, product_id=product_id(record.key), sku=sku_of(record.key))


def receive_stock(record: ProductRecord, quantity: int) -> Iterator[ReceiveStock]:
    """Receive that many pieces, in as few commands as that takes."""
    while quantity > 0:
        part = min(quantity, LARGEST_RECEIPT)
        yield ReceiveStock(sku=sku_of(record.key), quantity=part, location=LOCATION)
        quantity -= part


def import_order(record: OrderRecord, currency: str) -> ImportOrder:
    """Take over an order: its own date and prices, discount and freight as notes."""
    if record.shipped_date is not None and record.shipped_date < record.order_date:
        raise BadLine("shipped_date is before order_date")
    freight = None if record.freight is None else _money(record.freight, currency)
    return _valid(
        ImportOrder,
        customer_id=customer_id(record.customer),
        items=[
            {
                "product_id": product_id(line.product),
                "unit_price": _money(line.unit_price, currency),
                "quantity": line.quantity,
            }
            for line in record.lines
        ],
        shipping_address=_address(record),
        created_at=start_of(record.order_date),
        external_reference=record.key,
        discount=_discount(record.lines, currency),
        freight=freight,
    )


def start_of(day: date) -> datetime:
    """Midnight UTC of a day of history."""
    return datetime.combine(day, time(), UTC)


def in_the_shops_words(text: str, record: OrderRecord) -> str:
    """A reason with our ids of customer and products replaced by the shop's."""
    text = text.replace(customer_id(record.customer), record.customer)
    for line in record.lines:
        text = text.replace(product_id(line.product), line.product)
    return text


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _address(record: OrderRecord) -> dict[str, Any]:
    to = record.ship_to
    try:
        country = country_code(to.country)
    except ValueError as error:
        raise BadLine(f"ship_to.country: {error}") from error
    return {
        "recipient": to.name,
        "lines": [line for line in to.street.splitlines() if line.strip()],
        "city": to.city,
        "region": to.region or None,
        "postal_code": to.postal_code or None,
        "country": country,
    }


def _discount(lines: list[LineRecord], currency: str) -> dict[str, Any] | None:
    """What was taken off all lines together, rounded once; None for nothing."""
    total = Decimal(0)
    for number, line in enumerate(lines):
        if not line.discount.is_finite() or not 0 <= line.discount <= 1:
            raise BadLine(f"lines.{number}.discount: a fraction of the line, from 0 to 1")
        if not line.unit_price.is_finite() or line.unit_price.adjusted() > 20:
            raise BadLine(f"lines.{number}.unit_price: the amount is too large")
        total += line.unit_price * line.quantity * line.discount
    if not total:
        return None
    scale = Decimal(1).scaleb(-currency_scale(currency))
    return _money(total.quantize(scale, rounding=ROUND_HALF_UP), currency)


def _valid(command: type[C], **fields: Any) -> C:
    try:
        return command(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        names = [str(part) for part in first["loc"]]
        path = ".".join([_FIELDS.get(name, name) for name in names[:1]] + names[1:])
        why = first["msg"].removeprefix("Value error, ")
        raise BadLine(f"{path}: {why}") from error
