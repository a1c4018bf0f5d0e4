"""The stock item aggregate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import singledispatchmethod

from contracts.commands.inventory import MAX_STOCK
from contracts.errors import Refused
from contracts.events.inventory import (
    StockAdjusted,
    StockIssued,
    StockReceived,
    StockReleased,
    StockReserved,
    Taken,
)
from write_side.kernel.aggregate import Aggregate

FENCES_KEPT = timedelta(days=30)
"""How long an order's last version is remembered; older causes change nothing."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The newest version of an order that was heard of, and when; `issued`: its goods left."""

    order_version: int
    at: datetime
    issued: bool = False


class StockItem(Aggregate):
    """One SKU: what is on hand where, and what is reserved for which order.

    What is reserved never exceeds what is on hand.
    """

    CATEGORY = "stock"
    NAME = "stock"

    on_hand: dict[str, int] = field(default_factory=dict[str, int])
    """By location."""
    reservations: dict[str, int] = field(default_factory=dict[str, int])
    """By order."""
    fences: dict[str, Fence] = field(default_factory=dict[str, Fence])
    """By order, the oldest first."""

    @property
    def total(self) -> int:
        """What is on hand at all locations."""
        return sum(self.on_hand.values())

    @property
    def reserved(self) -> int:
        """What is reserved for all orders."""
        return sum(self.reservations.values())

    def receive(self, quantity: int, location: str, *, at: datetime) -> None:
        """Take goods in."""
        if self.total + quantity > MAX_STOCK:
            raise Refused(f"A SKU has at most {MAX_STOCK} pieces.", code="too-much-stock")
        self.trigger(StockReceived, at, location=location, quantity=quantity)

    def adjust(self, location: str, counted: int, reason: str, *, at: datetime) -> None:
        """Believe a stock-take."""
        expected = self.on_hand.get(location, 0)
        total = self.total - expected + counted
        if total < self.reserved:
            raise Refused(
                f"{self.reserved} are reserved; {total} would be left.", code="below-reserved"
            )
        if total > MAX_STOCK:
            raise Refused(f"A SKU has at most {MAX_STOCK} pieces.", code="too-much-stock")
        if counted != expected:
            self.trigger(
                StockAdjusted,
                at,
                location=location,
                expected=expected,
                counted=counted,
                reason=reason,
            )

    def reserve(
        self,
        order_id: str,
        order_version: int,
        quantity: int,
        *,
        at: datetime,
        caused_at: datetime | None = None,
    ) -> None:
        """Set the order's reservation; an order version heard of before changes nothing."""
        if caused_at is not None and at - caused_at > FENCES_KEPT:
            return
        fence = self.fences.get(order_id)
        if fence is not None and order_version <= fence.order_version:
            return
        if fence is not None and fence.issued:
            raise Refused(f"The goods of order {order_id} have left.", code="already-issued")
        before = self.reservations.get(order_id, 0)
        available = self.total - self.reserved + before
        if quantity > available:
            raise Refused(
                f"{quantity} of {self.id} are wanted, {available} are available.",
                code="insufficient-stock",
            )
        self.trigger(
            StockReserved,
            at,
            order_id=order_id,
            order_version=order_version,
            quantity=quantity,
            before=before,
        )

    def release(self, order_id: str, order_version: int, *, at: datetime) -> None:
        """End the order's reservation, and leave a fence against a late one."""
        fence = self.fences.get(order_id)
        reserved = self.reservations.get(order_id, 0)
        if fence is not None and (fence.issued or order_version < fence.order_version):
            return
        if fence is not None and order_version == fence.order_version and not reserved:
            return
        self.trigger(
            StockReleased, at, order_id=order_id, order_version=order_version, quantity=reserved
        )

    def issue(self, order_id: str, *, at: datetime) -> None:
        """Let the order's goods leave."""
        fence = self.fences.get(order_id)
        if fence is not None and fence.issued:
            return
        quantity = self.reservations.get(order_id, 0)
        if not quantity:
            raise Refused(
                f"Nothing of {self.id} is reserved for order {order_id}.", code="nothing-reserved"
            )
        self.trigger(
            StockIssued, at, order_id=order_id, quantity=quantity, taken=self._take(quantity)
        )

    def _take(self, quantity: int) -> tuple[Taken, ...]:
        taken: list[Taken] = []
        for location, on_hand in sorted(self.on_hand.items()):
            here = min(on_hand, quantity)
            if here:
                taken.append(Taken(location, here))
                quantity -= here
        return tuple(taken)

    def _put_fence(self, order_id: str, fence: Fence) -> None:
        self.fences.pop(order_id, None)
        self.fences[order_id] = fence
        oldest = next(iter(self.fences))
        while fence.at - self.fences[oldest].at > FENCES_KEPT:
            del self.fences[oldest]
            oldest = next(iter(self.fences))

    @singledispatchmethod
    def evolve(self, event: object) -> None:
        """Follow an event."""
        raise TypeError(f"a stock item does not know {type(event).__name__}")

    @evolve.register
    def _(self, event: StockReceived) -> None:
        self.on_hand[event.location] = self.on_hand.get(event.location, 0) + event.quantity

    @evolve.register
    def _(self, event: StockAdjusted) -> None:
        self.on_hand[event.location] = event.counted

    @evolve.register
    def _(self, event: StockReserved) -> None:
        self.reservations.pop(event.order_id, None)
        if event.quantity:
            self.reservations[event.order_id] = event.quantity
        self._put_fence(event.order_id, Fence(event.order_version, event.timestamp))

    @evolve.register
    def _(self, event: StockReleased) -> None:
        self.reservations.pop(event.order_id, None)
        self._put_fence(event.order_id, Fence(event.order_version, event.timestamp))

    @evolve.register
    def _(self, event: StockIssued) -> None:
        self.reservations.pop(event.order_id, None)
        for taken in event.taken:
            self.on_hand[taken.location] -= taken.quantity
        fence = self.fences.get(event.order_id)
        version = fence.order_version if fence else -1
        self._put_fence(event.order_id, Fence(version, event.timestamp, issued=True))
