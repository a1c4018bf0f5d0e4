"""The parameters of queries, checked before anything is asked of the read store."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from contracts.commands.base import Id
from contracts.errors import Invalid
from contracts.values import Amount, Currency, Money
from read_side.audit.index import EventFilter
from read_side.queries.orders import OrderFilter, OrderSort
from read_side.queries.paging import DEFAULT_LIMIT, MAX_LIMIT, PageWanted
from read_side.queries.reports import SalesBy
from read_side.queries.times import time_from

PathId = Annotated[str, Path(alias="id")]
"""An id in the path: one that is none is simply not found."""


def _read_time(value: Any) -> Any:
    return time_from(value) if isinstance(value, str) else value


Time = Annotated[
    datetime,
    BeforeValidator(_read_time),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ],
            "examples": ["2026-01-05", "2026-01-05T10:00:00Z"],
        }
    ),
]
From = Annotated[
    Time | SkipJsonSchema[None],
    Field(alias="from", description="Inclusive; a bare date is midnight UTC. Business time."),
]
To = Annotated[
    Time | SkipJsonSchema[None], Field(description="Exclusive; a bare date is midnight UTC.")
]
_Q = Annotated[str, Field(max_length=200)] | SkipJsonSchema[None]


class PageParameters(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[
        str | SkipJsonSchema[None],
        Field(description="`next_cursor` of the page before, of the same list."),
    ] = None

    def page(self) -> PageWanted:
        """As queries take it."""
        return PageWanted(self.limit, self.cursor)


class PastParameters(BaseModel):
    """As of when something is wanted; without any, as it is now."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[
        int | SkipJsonSchema[None],
        Field(ge=0, le=2**53, description="As it was at this version."),
    ] = None
    as_of: Annotated[
        Time | SkipJsonSchema[None],
        Field(description="As it was at this time; a bare date is midnight UTC. Business time."),
    ] = None

    @property
    def given(self) -> bool:
        """Whether the past is wanted.

        Raises:
            Invalid: both a version and a time are given.
        """
        if self.version is not None and self.as_of is not None:
            raise Invalid("as_of", "give either a version or a time")
        return self.version is not None or self.as_of is not None


_AuditText = Annotated[str | SkipJsonSchema[None], Field(min_length=1, max_length=200)]


class EventParameters(PageParameters):
    """Which events of the audit."""

    correlation_id: Annotated[
        _AuditText, Field(description="What belongs to one request from outside.")
    ] = None
    actor: Annotated[
        _AuditText, Field(description="Id of a user or service; `orderlog` is the system.")
    ] = None
    type: Annotated[_AuditText, Field(description="Such as OrderConfirmed.")] = None
    recorded_from: Annotated[
        Time | SkipJsonSchema[None],
        Field(alias="from", description="Inclusive; a bare date is midnight UTC. Recorded time."),
    ] = None
    to: To = None

    def wanted(self) -> EventFilter:
        """As queries take it."""
        return EventFilter(self.correlation_id, self.actor, self.type, self.recorded_from, self.to)


class ProductParameters(PageParameters):
    """Which products."""

    q: Annotated[_Q, Field(description="Words of name and description.")] = None
    status: Literal["active", "discontinued"] | SkipJsonSchema[None] = None


class UserParameters(PageParameters):
    """Which users."""

    q: Annotated[_Q, Field(description="Words of name and e-mail.")] = None


class StockParameters(PageParameters):
    """Which stock levels."""

    below: Annotated[
        int | SkipJsonSchema[None],
        Field(ge=0, le=2**63 - 1, description="Only SKUs with less than this available."),
    ] = None


class CustomerOrderParameters(PageParameters):
    """Which orders of a customer."""

    q: Annotated[
        _Q,
        Field(
            description="Words of product names, recipient or city, or of the customer's name or"
            " e-mail; or an order's id, or its external reference."
        ),
    ] = None
    status: (
        Literal["created", "confirmed", "shipped", "delivered", "cancelled"] | SkipJsonSchema[None]
    ) = None
    product_id: Id | SkipJsonSchema[None] = None
    created_from: From = None
    to: To = None
    currency: Annotated[
        Currency | SkipJsonSchema[None],
        Field(description="Needed with `min_total`, `max_total` and `sort=total`."),
    ] = None
    min_total: Annotated[Amount | SkipJsonSchema[None], Field(description="Inclusive.")] = None
    max_total: Annotated[Amount | SkipJsonSchema[None], Field(description="Inclusive.")] = None
    sort: OrderSort = "-created_at"

    def wanted(self, customer_id: str | None) -> OrderFilter:
        """As queries take it.

        Raises:
            Invalid: a total without currency, or not an amount of that currency.
        """
        if self.currency is None and self.sort in ("total", "-total"):
            raise Invalid("currency", "sorting by total needs the currency")
        return OrderFilter(
            q=self.q,
            status=self.status,
            customer_id=customer_id,
            product_id=self.product_id,
            created_from=self.created_from,
            created_to=self.to,
            currency=self.currency,
            min_total=self._minor("min_total"),
            max_total=self._minor("max_total"),
        )

    def _minor(self, name: Literal["min_total", "max_total"]) -> int | None:
        amount = self.min_total if name == "min_total" else self.max_total
        if amount is None:
            return None
        if self.currency is None:
            raise Invalid("currency", f"{name} needs the currency")
        try:
            return Money(amount, self.currency).minor
        except ValueError as error:
            raise Invalid(name, str(error)) from None


class OrderParameters(CustomerOrderParameters):
    """Which orders."""

    customer_id: Id | SkipJsonSchema[None] = None


class SalesParameters(BaseModel):
    """What a sales report is about."""

    model_config = ConfigDict(extra="forbid")

    by: SalesBy = "day"
    currency: Currency
    created_from: From = None
    to: To = None
