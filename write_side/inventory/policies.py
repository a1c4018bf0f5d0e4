"""Policy of Inventory: a soft reservation follows each order while it is built."""

from __future__ import annotations

import structlog

from contracts.commands.inventory import ReleaseStock, ReserveStock
from contracts.errors import Refused
from contracts.registry import id_of
from event_store.codec import decode_metadata
from event_store.port import RecordedEvent
from write_side.inventory.anti_corruption_layer import AntiCorruptionLayer
from write_side.inventory.ports import OrderBook, OrderContents
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import CommandContext, caused_by

_log = structlog.get_logger(__name__)


class SoftReservation:
    """Reserves what an order holds, each time it changes, and releases it when it is cancelled.

    What can't be had is left to fulfilment. Imported orders are history and are passed over.
    """

    NAME = "soft-reservation"
    CATEGORIES = ("order",)
    _BUILDING = frozenset({"OrderCreated", "ItemAdded", "ItemRemoved"})

    def __init__(self, bus: CommandBus, orders: OrderBook, layer: AntiCorruptionLayer) -> None:
        """Give commands to the bus, for orders as the book knows them."""
        self._bus = bus
        self._orders = orders
        self._layer = layer

    async def handle(self, recorded: RecordedEvent) -> None:
        """Follow an event of an order. The same event again changes nothing."""
        order_id, version = id_of(recorded.stream), recorded.version
        if recorded.type not in self._BUILDING and recorded.type != "OrderCancelled":
            return
        now = await self._orders.contents(order_id, version)
        if now.imported:
            return
        context = caused_by(recorded, decode_metadata(recorded), self.NAME)
        if recorded.type == "OrderCancelled":
            for product_id in now.quantities:
                await self._release(product_id, order_id, version, context)
            return
        before = await self._orders.contents(order_id, version - 1)
        for product_id in _changed(before, now):
            quantity = now.quantities.get(product_id, 0)
            await self._reserve(product_id, order_id, quantity, recorded, context)

    async def _reserve(
        self,
        product_id: str,
        order_id: str,
        quantity: int,
        recorded: RecordedEvent,
        context: CommandContext,
    ) -> None:
        try:
            command = ReserveStock(
                sku=await self._layer.sku_of(product_id),
                order_id=order_id,
                order_version=recorded.version,
                quantity=quantity,
                caused_at=recorded.recorded_at,
            )
            await self._bus.handle(command, context)
        except Refused as refusal:
            _log.debug("not reserved, left to fulfilment", order=order_id, why=refusal.detail)

    async def _release(
        self, product_id: str, order_id: str, version: int, context: CommandContext
    ) -> None:
        try:
            sku = await self._layer.sku_of(product_id)
            command = ReleaseStock(sku=sku, order_id=order_id, order_version=version)
            await self._bus.handle(command, context)
        except Refused as refusal:
            _log.debug("nothing to release", order=order_id, why=refusal.detail)


def _changed(before: OrderContents, now: OrderContents) -> list[str]:
    products = dict.fromkeys([*before.quantities, *now.quantities])
    return [p for p in products if before.quantities.get(p, 0) != now.quantities.get(p, 0)]
