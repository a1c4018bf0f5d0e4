"""Orders."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.documentation import problems
from api.http.route import GuardedRoute
from api.query_api import examples
from api.query_api.parameters import (
    CustomerOrderParameters,
    OrderParameters,
    PastParameters,
    PathId,
)
from api.query_api.reading import Reading, answer, answers
from contracts.documents import CUSTOMERS, ORDER_DETAILS
from read_side.queries import orders
from read_side.queries.views import OrderPage, OrderView

router = APIRouter(route_class=GuardedRoute, tags=["orders"])
_SHOWN = (ORDER_DETAILS.name, CUSTOMERS.name)
_A_PAGE = answers("A page of orders, and counts by status", examples.ORDER_PAGE)


@router.get(
    "/api/orders/{id}",
    response_model=OrderView,
    responses={200: answers("The order", examples.ORDER, etag=True), **problems(422)},
    summary="See an order",
)
async def get_order(
    order_id: PathId, wanted: Annotated[PastParameters, Query()], read: Reading
) -> Response:
    """Lines and prices are as ordered; the customer's name and e-mail are the latest.

    At a version, or at a time, it is what replaying the order's events up to there gives. An order
    that had not come to that version, or was not there yet, is not found.
    """
    if wanted.given:
        await read.to_get(CUSTOMERS.name)
        past = await read.audit.order_as_of(
            read.actor, order_id, version=wanted.version, as_of=wanted.as_of
        )
        return answer(past, version=past["version"])
    documents = await read.to_get(*_SHOWN)
    order = await orders.get_order(documents, read.actor, order_id)
    return answer(order, version=order["version"])


@router.get(
    "/api/orders", response_model=OrderPage, responses={200: _A_PAGE}, summary="Search orders"
)
async def list_orders(wanted: Annotated[OrderParameters, Query()], read: Reading) -> Response:
    """Paging by `created_at` shows every order that was there at the first page exactly once.

    `counts` is by the other filters, without `status`. Searched by text, orders of the first 2,000
    customers that the text meets are found.
    """
    asked = wanted.wanted(wanted.customer_id)
    documents = await read.to_search(*_SHOWN)
    page = await orders.list_orders(documents, read.actor, asked, wanted.page(), wanted.sort)
    return answer(page)


@router.get(
    "/api/customers/{id}/orders",
    response_model=OrderPage,
    responses={200: _A_PAGE},
    summary="Search the orders of a customer",
)
async def list_customer_orders(
    customer_id: PathId, wanted: Annotated[CustomerOrderParameters, Query()], read: Reading
) -> Response:
    """The same page as of all orders, for one customer."""
    asked = wanted.wanted(customer_id)
    documents = await read.to_search(*_SHOWN)
    page = await orders.customer_orders(documents, read.actor, asked, wanted.page(), wanted.sort)
    return answer(page)
