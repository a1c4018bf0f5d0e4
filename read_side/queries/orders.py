"""One order, lists of orders, the orders of a customer; customers see only their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from contracts.documents import CUSTOMERS, ORDER_DETAILS
from contracts.errors import NotFound
from contracts.values import Actor
from read_side.port import AnyOf, Between, Condition, Document, Documents, Either, Matches, Search
from read_side.queries.paging import PageWanted
from read_side.queries.times import stored_time
from read_side.queries.views import OrderPage, OrderView, order_view

OrderSort = Literal["created_at", "-created_at", "total", "-total", "status"]

MOST_CUSTOMERS_FOUND = 2_000
"""A text that meets the names of more customers finds the orders of this many of them."""

_SORT_FIELDS: dict[OrderSort, str] = {
    "created_at": "created_at",
    "-created_at": "-created_at",
    "total": "total_amount.minor",
    "-total": "-total_amount.minor",
    "status": "status",
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are wanted; None leaves a filter out. Totals need the currency."""

    q: str | None = None
    """Words of product names, recipient, city, or the customer's name or e-mail; or the order's
    id, or its external reference."""
    status: str | None = None
    customer_id: str | None = None
    product_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    """Exclusive."""
    currency: str | None = None
    min_total: int | None = None
    """In minor units, inclusive."""
    max_total: int | None = None
    """In minor units, inclusive."""


async def get_order(documents: Documents, actor: Actor, order_id: str) -> OrderView:
    """One order, as its customer may see it, and operators, services and auditors.

    Raises:
        NotFound: there is none, or it is another customer's.
        ReadStoreUnavailable: the read store can't answer now.
    """
    return await order_for(
        documents, actor, order_id, await documents.get(ORDER_DETAILS.name, order_id)
    )


async def order_for(
    documents: Documents, actor: Actor, order_id: str, order: Document | None
) -> OrderView:
    """The order as this caller may see it, joined with its customer.

    Raises:
        NotFound: there is none, or it is another customer's.
        ReadStoreUnavailable: the read store can't answer now.
    """
    if order is None or not (_sees_all(actor) or _is_user(actor, order["customer_id"])):
        raise NotFound(f"There is no order {order_id}.", code="order-not-found")
    [view] = await _joined(documents, [order])
    return view


async def list_orders(
    documents: Documents,
    actor: Actor,
    wanted: OrderFilter,
    page: PageWanted,
    sort: OrderSort = "-created_at",
) -> OrderPage:
    """A page of orders; a customer sees their own only.

    Raises:
        InvalidCursor: the cursor is not one of this list.
        ReadStoreUnavailable: the read store can't answer now.
    """
    if not _sees_all(actor):
        if not _is_user(actor, wanted.customer_id or actor.id):
            return {"items": [], "next_cursor": None, "counts": {}}
        wanted = replace(wanted, customer_id=actor.id)
    return await _page(documents, wanted, page, sort)


async def customer_orders(
    documents: Documents,
    actor: Actor,
    wanted: OrderFilter,
    page: PageWanted,
    sort: OrderSort = "-created_at",
) -> OrderPage:
    """A page of the orders of the filter's customer, for themselves and for operators.

    Raises:
        NotFound: there is no such customer, or it is another one.
        InvalidCursor: the cursor is not one of this list.
        ReadStoreUnavailable: the read store can't answer now.
    """
    customer_id = wanted.customer_id or ""
    unknown = NotFound(f"There is no customer {customer_id}.", code="user-not-found")
    themselves = _is_user(actor, customer_id)
    if not (themselves or actor.has("operator")):
        raise unknown
    found = await _page(documents, wanted, page, sort)
    # Nobody has to wait for the projection to see their own empty list.
    if not (found["items"] or themselves or await documents.get(CUSTOMERS.name, customer_id)):
        raise unknown
    return found


async def _page(
    documents: Documents, wanted: OrderFilter, page: PageWanted, sort: OrderSort
) -> OrderPage:
    conditions = await _conditions(documents, wanted)
    status = [AnyOf("status", (wanted.status,))] if wanted.status is not None else []
    found = await documents.search(
        ORDER_DETAILS.name,
        Search(
            (*conditions, *status),
            sort=_SORT_FIELDS[sort],
            limit=page.limit,
            cursor=page.cursor,
            # The customers that a text meets are looked up again for each page.
            bound_to=repr(wanted),
        ),
    )
    return {
        "items": await _joined(documents, found.documents),
        "next_cursor": found.next_cursor,
        "counts": dict(await documents.count_by(ORDER_DETAILS.name, "status", conditions)),
    }


async def _conditions(documents: Documents, wanted: OrderFilter) -> list[Condition]:
    """All filters but the status."""
    exact = {
        "customer_id": wanted.customer_id,
        "items.product_id": wanted.product_id,
        "total_amount.currency": wanted.currency,
    }
    conditions: list[Condition] = [
        AnyOf(field, (value,)) for field, value in exact.items() if value is not None
    ]
    conditions.append(created_between(wanted.created_from, wanted.created_to))
    below = None if wanted.max_total is None else wanted.max_total + 1
    conditions.append(Between("total_amount.minor", wanted.min_total, below))
    if wanted.q is not None:
        conditions.append(await _about(documents, wanted.q, wanted.customer_id))
    return conditions


def created_between(created_from: datetime | None, created_to: datetime | None) -> Between:
    """Orders created in a span of time, the end exclusive."""
    return Between(
        "created_at",
        None if created_from is None else stored_time(created_from),
        None if created_to is None else stored_time(created_to),
    )


async def _about(documents: Documents, text: str, customer_id: str | None) -> Either:
    whose = [AnyOf("id", (customer_id,))] if customer_id is not None else []
    customers = await documents.search(
        CUSTOMERS.name, Search((Matches(text), *whose), limit=MOST_CUSTOMERS_FOUND)
    )
    text_itself = text.strip()
    return Either(
        (
            Matches(text),
            AnyOf("customer_id", tuple(found["id"] for found in customers.documents)),
            AnyOf("id", (text_itself.lower(),)),
            AnyOf("external_reference", (text_itself,)),
        )
    )


async def _joined(documents: Documents, orders: Sequence[Document]) -> list[OrderView]:
    ids = list(dict.fromkeys(order["customer_id"] for order in orders))
    customers = await documents.get_many(CUSTOMERS.name, ids)
    return [order_view(order, customers) for order in orders]


def _sees_all(actor: Actor) -> bool:
    return actor.has("operator", "service", "auditor")


def _is_user(actor: Actor, user_id: str) -> bool:
    return actor.kind == "user" and actor.id == user_id
