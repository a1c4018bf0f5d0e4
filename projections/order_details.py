"""One document for each order: what was ordered, for how much, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contracts.documents import ORDER_DETAILS, MoneyDocument, OrderDocument, OrderItemDocument
from contracts.events.base import Event
from contracts.events.sales import (
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderLine,
    OrderShipped,
)
from contracts.registry import id_of
from contracts.values import Money
from projections.projector import Context, existing
from projections.shapes import (
    address_document,
    day_of,
    minor_document,
    money_document,
    time_text,
)


def _created(event: OrderCreated) -> OrderDocument:
    time = time_text(event.timestamp)
    return {
        "id": event.originator_id,
        "version": event.originator_version,
        "customer_id": event.customer_id,
        "status": "created",
        "items": [_item(line) for line in event.items],
        "total_amount": _money(event.total),
        "shipping_address": address_document(event.shipping_address),
        "payment_method": None,
        "created_at": time,
        "created_day": day_of(time),
        "updated_at": time,
        "confirmed_at": None,
        "shipped_at": None,
        "delivered_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "external_reference": event.external_reference,
        "discount": _money(event.discount),
        "freight": _money(event.freight),
    }


def _add_item(order: OrderDocument, event: ItemAdded) -> None:
    _set_items(order, [*order["items"], _item(event)])


def _remove_item(order: OrderDocument, event: ItemRemoved) -> None:
    _set_items(order, [item for item in order["items"] if item["item_id"] != event.item_id])


def _confirm(order: OrderDocument, event: OrderConfirmed) -> None:
    order["status"] = "confirmed"
    order["confirmed_at"] = order["updated_at"]
    order["total_amount"] = money_document(event.total)
    order["payment_method"] = event.payment_method


def _cancel(order: OrderDocument, event: OrderCancelled) -> None:
    order["status"] = "cancelled"
    order["cancelled_at"] = order["updated_at"]
    order["cancel_reason"] = event.reason


def _ship(order: OrderDocument, event: OrderShipped) -> None:
    order["status"] = "shipped"
    order["shipped_at"] = order["updated_at"]


def _deliver(order: OrderDocument, event: OrderDelivered) -> None:
    order["status"] = "delivered"
    order["delivered_at"] = order["updated_at"]


_CHANGES: Mapping[type[Any], Callable[[OrderDocument, Any], None]] = {
    ItemAdded: _add_item,
    ItemRemoved: _remove_item,
    OrderConfirmed: _confirm,
    OrderCancelled: _cancel,
    OrderShipped: _ship,
    OrderDelivered: _deliver,
}
"""What each event does to a copy of the order, whose `updated_at` is the event's time already."""


def _set_items(order: OrderDocument, items: list[OrderItemDocument]) -> None:
    order["items"] = items
    order["total_amount"] = _total(items)


def _total(items: list[OrderItemDocument]) -> MoneyDocument | None:
    """The sum of the lines. Without lines there is none: nothing says in which currency."""
    if not items:
        return None
    minor = sum([item["line_total"]["minor"] for item in items])
    return minor_document(minor, items[0]["line_total"]["currency"])


def _item(line: OrderLine | ItemAdded) -> OrderItemDocument:
    price = money_document(line.unit_price)
    return {
        "item_id": line.item_id,
        "product_id": line.product_id,
        "product_name": line.product_name,
        "quantity": line.quantity,
        "unit_price": price,
        "line_total": minor_document(price["minor"] * line.quantity, price["currency"]),
    }


def _money(money: Money | None) -> MoneyDocument | None:
    return None if money is None else money_document(money)


class OrderDetails:
    """Projects the events of `order` streams."""

    name = ORDER_DETAILS.name
    document_type = ORDER_DETAILS
    categories = ("order",)
    handles: frozenset[type[Event]] = frozenset({OrderCreated, *_CHANGES})

    def key_of(self, stream: str) -> str:
        """The order's id."""
        return id_of(stream)

    def project(
        self, document: OrderDocument | None, event: Event | None, context: Context
    ) -> OrderDocument:
        """The order after the event."""
        if isinstance(event, OrderCreated):
            return _created(event)
        order = existing(document, event).copy()
        order["version"] = context.version
        order["updated_at"] = time_text(context.occurred_at)
        _CHANGES[type(event)](order, event)
        return order
