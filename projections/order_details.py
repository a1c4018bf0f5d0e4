"""One document for each order: what was ordered, for how much, and how far it is."""

from __future__ import annotations

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
    day_text,
    minor_document,
    money_document,
    time_text,
)


class OrderDetails:
    """Projects the events of `order` streams."""

    name = ORDER_DETAILS.name
    document_type = ORDER_DETAILS
    categories = ("order",)
    handles: frozenset[type[Event]] = frozenset(
        {
            OrderCreated,
            ItemAdded,
            ItemRemoved,
            OrderConfirmed,
            OrderCancelled,
            OrderShipped,
            OrderDelivered,
        }
    )

    def key_of(self, stream: str) -> str:
        """The order's id."""
        return id_of(stream)

    def project(
        self, document: OrderDocument | None, event: Event | None, context: Context
    ) -> OrderDocument:
        """The order after the event."""
        if isinstance(event, OrderCreated):
            return _created(event)
        time = time_text(context.metadata.occurred_at)
        return {
            **_changed(existing(document, event), event, time),
            "version": context.version,
            "updated_at": time,
        }


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
        "created_day": day_text(event.timestamp),
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


def _changed(order: OrderDocument, event: Event | None, time: str) -> OrderDocument:
    match event:
        case ItemAdded():
            return _with_items(order, [*order["items"], _item(event)])
        case ItemRemoved():
            left = [item for item in order["items"] if item["item_id"] != event.item_id]
            return _with_items(order, left)
        case OrderConfirmed():
            return {
                **order,
                "status": "confirmed",
                "confirmed_at": time,
                "total_amount": money_document(event.total),
                "payment_method": event.payment_method,
            }
        case OrderCancelled():
            return {
                **order,
                "status": "cancelled",
                "cancelled_at": time,
                "cancel_reason": event.reason,
            }
        case OrderShipped():
            return {**order, "status": "shipped", "shipped_at": time}
        case OrderDelivered():
            return {**order, "status": "delivered", "delivered_at": time}
        case _:
            return order


def _with_items(order: OrderDocument, items: list[OrderItemDocument]) -> OrderDocument:
    return {**order, "items": items, "total_amount": _total(items)}


def _total(items: list[OrderItemDocument]) -> MoneyDocument | None:
    """The sum of the lines. Without lines there is none: nothing says in which currency."""
    if not items:
        return None
    totals = [item["line_total"] for item in items]
    return minor_document(sum(total["minor"] for total in totals), totals[0]["currency"])


def _item(line: OrderLine | ItemAdded) -> OrderItemDocument:
    return {
        "item_id": line.item_id,
        "product_id": line.product_id,
        "product_name": line.product_name,
        "quantity": line.quantity,
        "unit_price": money_document(line.unit_price),
        "line_total": money_document(line.unit_price * line.quantity),
    }


def _money(money: Money | None) -> MoneyDocument | None:
    return None if money is None else money_document(money)
