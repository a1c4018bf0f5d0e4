"""The order aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from functools import singledispatchmethod
from typing import Literal

from contracts.commands.sales import MAX_LINES
from contracts.errors import NotFound, Refused
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
from contracts.values import Actor, Address, Money
from write_side.kernel.aggregate import Aggregate

Status = Literal["created", "confirmed", "cancelled", "shipped", "delivered"]


class Order(Aggregate):
    """What a customer wants to buy: built while `created`, binding once `confirmed`."""

    CATEGORY = "order"
    NAME = "order"

    status: Status = "created"
    customer_id: str = ""
    items: dict[str, OrderLine] = field(default_factory=dict[str, OrderLine])
    external_reference: str | None = None

    @property
    def total(self) -> Money | None:
        """What all lines cost together; None while there is none."""
        return total_of(list(self.items.values()))

    def create(
        self, customer_id: str, lines: Sequence[OrderLine], address: Address, *, at: datetime
    ) -> None:
        """Begin the order."""
        if self.exists:
            raise Refused(f"Order {self.id} exists already.", code="order-exists")
        self.trigger(
            OrderCreated,
            at,
            customer_id=customer_id,
            items=tuple(lines),
            total=total_of(lines),
            shipping_address=address,
        )

    def take_over(
        self,
        customer_id: str,
        lines: Sequence[OrderLine],
        address: Address,
        reference: str,
        *,
        discount: Money | None,
        freight: Money | None,
        at: datetime,
    ) -> None:
        """Begin as an order of history."""
        if self.exists:
            raise Refused(
                f"An order with the reference {reference} exists already.",
                code="duplicate-reference",
            )
        self.trigger(
            OrderCreated,
            at,
            customer_id=customer_id,
            items=tuple(lines),
            total=total_of(lines),
            shipping_address=address,
            external_reference=reference,
            discount=discount,
            freight=freight,
        )

    def add_item(self, line: OrderLine, *, at: datetime) -> None:
        """Put a line in; the same again (its key was forgotten meanwhile) changes nothing."""
        self._refuse_unless_open()
        present = self.items.get(line.item_id)
        if present is not None:
            if (present.product_id, present.quantity) == (line.product_id, line.quantity):
                return
            raise Refused(f"The order has an item {line.item_id} already.", code="item-exists")
        if len(self.items) >= MAX_LINES:
            raise Refused(f"An order has at most {MAX_LINES} lines.", code="too-many-lines")
        total_of([*self.items.values(), line])
        self.trigger(
            ItemAdded,
            at,
            item_id=line.item_id,
            product_id=line.product_id,
            product_name=line.product_name,
            unit_price=line.unit_price,
            quantity=line.quantity,
        )

    def remove_item(self, item_id: str, *, at: datetime) -> None:
        """Take a line out."""
        self._refuse_unless_open()
        if item_id not in self.items:
            raise NotFound(f"The order has no item {item_id}.", code="item-unknown")
        self.trigger(ItemRemoved, at, item_id=item_id)

    def confirm(self, payment_method: str | None, *, at: datetime) -> None:
        """Order bindingly. What was confirmed once stays so."""
        if self.status == "cancelled":
            raise Refused("The order is cancelled.", code="order-cancelled")
        if self.status != "created":
            return
        if self.total is None:
            raise Refused("The order has no items.", code="order-empty")
        self.trigger(OrderConfirmed, at, total=self.total, payment_method=payment_method)

    def cancel(self, reason: str, by: Actor, *, at: datetime) -> None:
        """Give it up."""
        if self.status in ("shipped", "delivered"):
            raise Refused(f"The order is {self.status}.", code="order-shipped")
        if self.status != "cancelled":
            self.trigger(OrderCancelled, at, reason=reason, cancelled_by=by)

    def mark_shipped(self, *, at: datetime) -> None:
        """The goods left."""
        if self.status in ("shipped", "delivered"):
            return
        if self.status != "confirmed":
            raise Refused(f"The order is {self.status}.", code="order-not-confirmed")
        self.trigger(OrderShipped, at)

    def mark_delivered(self, *, at: datetime) -> None:
        """The goods arrived."""
        if self.status == "delivered":
            return
        if self.status != "shipped":
            raise Refused(f"The order is {self.status}.", code="order-not-shipped")
        self.trigger(OrderDelivered, at)

    def _refuse_unless_open(self) -> None:
        if self.status != "created":
            raise Refused(
                f"The order is {self.status}; only an open order can be changed.",
                code="order-not-open",
            )

    @singledispatchmethod
    def evolve(self, event: object) -> None:
        """Follow an event."""
        raise TypeError(f"an order does not know {type(event).__name__}")

    @evolve.register
    def _(self, event: OrderCreated) -> None:
        self.customer_id = event.customer_id
        self.items = {line.item_id: line for line in event.items}
        self.external_reference = event.external_reference

    @evolve.register
    def _(self, event: ItemAdded) -> None:
        self.items[event.item_id] = OrderLine(
            event.item_id, event.product_id, event.product_name, event.unit_price, event.quantity
        )

    @evolve.register
    def _(self, event: ItemRemoved) -> None:
        del self.items[event.item_id]

    @evolve.register
    def _(self, event: OrderConfirmed) -> None:
        self.status = "confirmed"

    @evolve.register
    def _(self, event: OrderCancelled) -> None:
        self.status = "cancelled"

    @evolve.register
    def _(self, event: OrderShipped) -> None:
        self.status = "shipped"

    @evolve.register
    def _(self, event: OrderDelivered) -> None:
        self.status = "delivered"


def total_of(lines: Sequence[OrderLine]) -> Money | None:
    """What the lines cost together; None when there are none.

    Raises:
        Refused: the lines are of more than one currency.
    """
    currencies = {line.unit_price.currency for line in lines}
    if len(currencies) > 1:
        raise Refused("All lines of an order have one currency.", code="mixed-currencies")
    if not lines:
        return None
    amount = sum((line.unit_price.amount * line.quantity for line in lines), Decimal(0))
    return Money(amount, currencies.pop())
