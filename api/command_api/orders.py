"""Commands on orders. Whose order it is, the handlers know."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import Response

from api.command_api.bodies import (
    Cancellation,
    CommandAnswer,
    Confirmation,
    ItemAnswer,
    NewItem,
    NewOrder,
)
from api.command_api.documentation import CHANGED, CREATED
from api.command_api.route import Changing, CommandRoute, Creating
from api.http.route import actor_of
from contracts.commands.base import Id
from contracts.commands.sales import AddItem, CancelOrder, ConfirmOrder, CreateOrder, RemoveItem
from contracts.errors import Invalid

router = APIRouter(route_class=CommandRoute, tags=["orders"])
_UNCONFIRMED = Confirmation()


@router.post(
    "/api/orders",
    status_code=201,
    response_model=CommandAnswer,
    responses=CREATED,
    summary="Begin an order",
)
async def create_order(call: Creating, body: NewOrder) -> Response:
    """Prices are those of now. Its lines can change until it is confirmed."""
    context = call.creating()
    customer_id = body.customer_id
    if customer_id is None:
        customer_id = _self(call)
    # The parts are valid already; the busiest route does not validate them twice.
    command = CreateOrder.model_construct(
        order_id=context.new_id("orders"),
        customer_id=customer_id,
        items=body.items,
        shipping_address=body.shipping_address,
    )
    return await call.create(command, context, "/api/orders")


def _self(call: Creating) -> str:
    actor = actor_of(call.request)
    if not actor.has("customer"):
        raise Invalid("customer_id", "say for whom the order is")
    return actor.id


@router.post(
    "/api/orders/{id}/items",
    response_model=ItemAnswer,
    responses=CHANGED,
    summary="Put a product into an order",
)
async def add_item(call: Changing, id: Id, body: NewItem) -> Response:  # noqa: A002
    """At the price of now. The answer names the new line."""
    return await call.change(
        AddItem(order_id=id, product_id=body.product_id, quantity=body.quantity)
    )


@router.delete(
    "/api/orders/{id}/items/{item_id}",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Take a line out of an order",
)
async def remove_item(call: Changing, id: Id, item_id: Id) -> Response:  # noqa: A002
    """Possible until the order is confirmed."""
    return await call.change(RemoveItem(order_id=id, item_id=item_id))


@router.post(
    "/api/orders/{id}/confirm",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Order bindingly",
)
async def confirm_order(
    call: Changing,
    id: Id,  # noqa: A002
    body: Annotated[Confirmation, Body()] = _UNCONFIRMED,
) -> Response:
    """An order needs at least one line. Confirming a confirmed order changes nothing."""
    return await call.change(ConfirmOrder(order_id=id, payment_method=body.payment_method))


@router.post(
    "/api/orders/{id}/cancel",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Give an order up",
)
async def cancel_order(call: Changing, id: Id, body: Cancellation) -> Response:  # noqa: A002
    """Possible until it is shipped. Cancelling a cancelled order changes nothing."""
    return await call.change(CancelOrder(order_id=id, reason=body.reason))
