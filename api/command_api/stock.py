"""Commands on stock."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.command_api.bodies import CommandAnswer, Count, Receipt
from api.command_api.documentation import CHANGED, CREATED
from api.command_api.route import Changing, CommandRoute
from contracts.commands.base import Sku
from contracts.commands.inventory import AdjustStock, ReceiveStock

router = APIRouter(route_class=CommandRoute, tags=["stock"])


@router.post(
    "/api/stock/{sku}/receipts",
    response_model=CommandAnswer,
    responses={**CHANGED, 201: {**CREATED[201], "model": CommandAnswer}},
    summary="Goods arrived",
)
async def receive(call: Changing, sku: Sku, body: Receipt) -> Response:
    """The first receipt opens the SKU, so `If-Match: *` says nothing here and is refused."""
    call.refuse_any_version()
    command = ReceiveStock(sku=sku, quantity=body.quantity, location=body.location)
    return await call.change_or_create(command, "/api/stock")


@router.post(
    "/api/stock/{sku}/adjustments",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Record a stock-take",
)
async def adjust(call: Changing, sku: Sku, body: Count) -> Response:
    """Sets what lies at a location; not below what is reserved."""
    return await call.change(
        AdjustStock(sku=sku, location=body.location, counted=body.counted, reason=body.reason)
    )
