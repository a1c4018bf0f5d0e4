"""Rebuilders on the shop's stores, with an owner in this process or none."""

from __future__ import annotations

from typing import Any

from contracts.events.base import Event
from contracts.events.sales import OrderConfirmed
from projections.catalogue import PROJECTORS
from projections.order_details import OrderDetails
from projections.projector import Context
from projections.rebuild import Rebuilder
from tests.integration.projections.shop import ADDED, CONFIRMED, CREATED, Shop

NAME = "order_details"
ORDERS = PROJECTORS[NAME]


class Shouting(OrderDetails):
    """Other code: it shouts."""

    def project(self, document: Any, event: Event | None, context: Context) -> Any:
        shown = super().project(document, event, context)
        return {**shown, "status": shown["status"].upper()}


class Careless(OrderDetails):
    """Other code: it can't confirm."""

    def project(self, document: Any, event: Event | None, context: Context) -> Any:
        if type(event) is OrderConfirmed:
            raise ArithmeticError("no")
        return super().project(document, event, context)


def rebuilder(shop: Shop, *, owned: bool = True, **options: Any) -> Rebuilder:
    """`owned`: this process owns the projections, otherwise a runner does."""
    return Rebuilder(
        shop.events, shop.documents, shop.events.count, own=lambda: owned, patience=10, **options
    )


async def fill(shop: Shop, orders: int = 4) -> None:
    for number in range(orders):
        await shop.append(f"order-{number}", CREATED, ADDED, CONFIRMED)


async def states(shop: Shop) -> list[tuple[int, str]]:
    return [(one.number, one.state) for one in await shop.documents.generations(NAME)]
