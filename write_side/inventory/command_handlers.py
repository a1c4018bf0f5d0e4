"""Command handlers of Inventory: load, decide, append."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from contracts.commands.base import Command
from contracts.commands.inventory import (
    AdjustStock,
    IssueStock,
    MapProduct,
    ReceiveStock,
    ReleaseStock,
    ReserveStock,
)
from contracts.errors import NotFound
from write_side.inventory.ports import ProductCatalogue
from write_side.inventory.sku_mapping import TABLE, SkuMapping
from write_side.inventory.stock_item import StockItem
from write_side.kernel.bus import Handler
from write_side.kernel.context import Answer, CommandContext
from write_side.kernel.repository import Repository

Stock = Repository[StockItem]


async def receive_stock(command: ReceiveStock, context: CommandContext, stock: Stock) -> Answer:
    """Take goods in; the first time opens the item."""

    async def decide(item: StockItem) -> None:
        item.receive(command.quantity, command.location, at=context.now)

    return await stock.change_or_create(command.sku, command, context, decide)


async def adjust_stock(command: AdjustStock, context: CommandContext, stock: Stock) -> Answer:
    """Believe a stock-take."""

    async def decide(item: StockItem) -> None:
        item.adjust(command.location, command.counted, command.reason, at=context.now)

    return await stock.change(command.sku, command, context, decide)


async def reserve_stock(command: ReserveStock, context: CommandContext, stock: Stock) -> Answer:
    """Set an order's reservation."""

    async def decide(item: StockItem) -> None:
        item.reserve(
            command.order_id,
            command.order_version,
            command.quantity,
            at=context.now,
            caused_at=command.caused_at,
        )

    return await stock.change_or_create(command.sku, command, context, decide)


async def release_stock(command: ReleaseStock, context: CommandContext, stock: Stock) -> Answer:
    """End an order's reservation; leaves a fence even where nothing was ever received."""

    async def decide(item: StockItem) -> None:
        item.release(command.order_id, command.order_version, at=context.now)

    return await stock.change_or_create(command.sku, command, context, decide)


async def issue_stock(command: IssueStock, context: CommandContext, stock: Stock) -> Answer:
    """Let an order's goods leave."""

    async def decide(item: StockItem) -> None:
        item.issue(command.order_id, at=context.now)

    return await stock.change(command.sku, command, context, decide)


async def map_product(
    command: MapProduct,
    context: CommandContext,
    mappings: Repository[SkuMapping],
    catalogue: ProductCatalogue,
) -> Answer:
    """Say under which SKU a product is kept."""

    async def decide(table: SkuMapping) -> None:
        if not await catalogue.exists(command.product_id):
            raise NotFound(f"There is no product {command.product_id}.", code="product-not-found")
        table.map(command.product_id, command.sku, at=context.now)

    return await mappings.change_or_create(TABLE, command, context, decide)


def handlers(
    stock: Stock, mappings: Repository[SkuMapping], catalogue: ProductCatalogue
) -> Mapping[type[Command], Handler]:
    """The handlers of Inventory by command, with what they need."""
    return {
        ReceiveStock: partial(receive_stock, stock=stock),
        AdjustStock: partial(adjust_stock, stock=stock),
        ReserveStock: partial(reserve_stock, stock=stock),
        ReleaseStock: partial(release_stock, stock=stock),
        IssueStock: partial(issue_stock, stock=stock),
        MapProduct: partial(map_product, mappings=mappings, catalogue=catalogue),
    }
