"""The files of a shop's history, one JSON object a line. Other fields are passed over.

Amounts are decimal strings of one currency, dates are ISO 8601 (`1996-07-04`), countries are
English names or ISO 3166 codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | int
"""An id as the shop wrote it."""
Pieces = Annotated[int, msgspec.Meta(ge=0)]


class BadLine(ValueError):
    """A line can't be read; the message says why."""


class CustomerRecord(msgspec.Struct, frozen=True):
    """A line of customers.jsonl."""

    customer_id: Key
    company_name: str

    @property
    def key(self) -> str:
        """What the shop calls it."""
        return str(self.customer_id).strip()


class ProductRecord(msgspec.Struct, frozen=True):
    """A line of products.jsonl."""

    product_id: Key
    product_name: str
    unit_price: Decimal
    category: str | None = None
    quantity_per_unit: str | None = None
    units_in_stock: Pieces = 0
    discontinued: bool = False

    @property
    def key(self) -> str:
        """What the shop calls it."""
        return str(self.product_id).strip()


class ShipTo(msgspec.Struct, frozen=True):
    """Where an order went."""

    name: str
    street: str
    city: str
    country: str
    region: str | None = None
    postal_code: str | None = None


class LineRecord(msgspec.Struct, frozen=True):
    """One line of an order; the discount is a fraction of it."""

    product_id: Key
    unit_price: Decimal
    quantity: int
    discount: Decimal = Decimal(0)

    @property
    def product(self) -> str:
        """What the shop calls the product."""
        return str(self.product_id).strip()


class OrderRecord(msgspec.Struct, frozen=True):
    """A line of orders.jsonl."""

    order_id: Key
    customer_id: Key
    order_date: date
    ship_to: ShipTo
    lines: Annotated[list[LineRecord], msgspec.Meta(min_length=1)]
    shipped_date: date | None = None
    freight: Decimal | None = None

    @property
    def key(self) -> str:
        """What the shop calls it."""
        return str(self.order_id).strip()

    @property
    def customer(self) -> str:
        """What the shop calls the customer."""
        return str(self.customer_id).strip()


Record = CustomerRecord | ProductRecord | OrderRecord
R = TypeVar("R", CustomerRecord, ProductRecord, OrderRecord)


def decode(text: bytes, record_type: type[R]) -> R:
    """Read a line.

    Raises:
        BadLine: it is no JSON object, or a field is missing or of another type.
    """
    try:
        record = msgspec.json.decode(text, type=record_type)
    except msgspec.ValidationError as error:
        raise BadLine(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadLine(f"this is no JSON: {error}") from error
    if not record.key:
        raise BadLine("the id is empty")
    return record


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.strip():
                yield number, text
