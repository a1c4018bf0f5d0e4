"""Command handlers of Sales: load, decide, append."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from contracts.commands.base import Command
from contracts.commands.sales import (
    AddItem,
    AddProduct,
    CancelOrder,
    ChangePrice,
    ChangeProductDetails,
    ConfirmOrder,
    CreateOrder,
    DiscontinueProduct,
    ImportedLine,
    ImportOrder,
    MarkOrderDelivered,
    MarkOrderShipped,
    OrderItem,
    RemoveItem,
)
from contracts.errors import Forbidden, Refused
from contracts.events.sales import OrderLine
from contracts.values import Actor
from write_side.kernel.bus import Handler
from write_side.kernel.context import Answer, CommandContext, derived_id
from write_side.kernel.repository import Ids, Repository
from write_side.sales.order import Order
from write_side.sales.ports import CustomerDirectory
from write_side.sales.product import Product

Orders = Repository[Order]
Products = Repository[Product]


async def add_product(command: AddProduct, context: CommandContext, products: Products) -> Answer:
    """Offer a product."""

    async def decide(product: Product) -> None:
        product.add(command.name, command.description, command.price, at=context.now)

    return await products.create(command.product_id, command, context, decide)


async def change_product_details(
    command: ChangeProductDetails, context: CommandContext, products: Products
) -> Answer:
    """Give a product another name or description."""

    async def decide(product: Product) -> None:
        product.change_details(command.name, command.description, at=context.now)

    return await products.change(command.product_id, command, context, decide)


async def change_price(command: ChangePrice, context: CommandContext, products: Products) -> Answer:
    """Give a product another price."""

    async def decide(product: Product) -> None:
        product.change_price(command.price, at=context.now)

    return await products.change(command.product_id, command, context, decide)


async def discontinue_product(
    command: DiscontinueProduct, context: CommandContext, products: Products
) -> Answer:
    """Stop offering a product."""

    async def decide(product: Product) -> None:
        product.discontinue(at=context.now)

    return await products.change(command.product_id, command, context, decide)


async def create_order(
    command: CreateOrder,
    context: CommandContext,
    orders: Orders,
    products: Products,
    customers: CustomerDirectory,
) -> Answer:
    """Begin an order for an active customer, at today's prices."""
    if not context.actor.has("operator", "service") and context.actor.id != command.customer_id:
        raise Forbidden("You can order for yourself only.", code="not-your-account")

    async def decide(order: Order) -> None:
        await require_active(customers, command.customer_id)
        lines = await price_lines(command.order_id, command.items, products)
        order.create(command.customer_id, lines, command.shipping_address, at=context.now)

    return await orders.create(command.order_id, command, context, decide)


async def import_order(
    command: ImportOrder,
    context: CommandContext,
    orders: Orders,
    products: Products,
    customers: CustomerDirectory,
) -> Answer:
    """Take over an order of history with its own date and prices. One for each reference."""
    if not context.actor.has("operator", "service"):
        raise Forbidden("Only operators import orders.")
    order_id = imported_order_id(command.external_reference)

    async def decide(order: Order) -> None:
        if await customers.find(command.customer_id) is None:
            raise Refused(f"There is no customer {command.customer_id}.", code="customer-unknown")
        lines = await name_lines(order_id, command.items, products)
        order.take_over(
            command.customer_id,
            lines,
            command.shipping_address,
            command.external_reference,
            discount=command.discount,
            freight=command.freight,
            at=command.created_at,
        )

    return await orders.create(order_id, command, context, decide)


async def add_item(
    command: AddItem, context: CommandContext, orders: Orders, products: Products
) -> Answer:
    """Put a product into an open order, at today's price."""
    item_id = context.new_id(f"orders/{command.order_id}/items")

    async def decide(order: Order) -> Ids:
        require_access(order, context.actor, orders)
        product = await orderable(products, command.product_id)
        order.add_item(_line(item_id, product, command.quantity), at=context.now)
        return {"item_id": item_id}

    return await orders.change(command.order_id, command, context, decide)


async def remove_item(command: RemoveItem, context: CommandContext, orders: Orders) -> Answer:
    """Take a line out of an open order."""

    async def decide(order: Order) -> None:
        require_access(order, context.actor, orders)
        order.remove_item(command.item_id, at=context.now)

    return await orders.change(command.order_id, command, context, decide)


async def confirm_order(command: ConfirmOrder, context: CommandContext, orders: Orders) -> Answer:
    """Order bindingly."""

    async def decide(order: Order) -> None:
        require_access(order, context.actor, orders)
        order.confirm(command.payment_method, at=context.now)

    return await orders.change(command.order_id, command, context, decide)


async def cancel_order(command: CancelOrder, context: CommandContext, orders: Orders) -> Answer:
    """Give an order up before it is shipped."""

    async def decide(order: Order) -> None:
        require_access(order, context.actor, orders)
        order.cancel(command.reason, context.actor, at=context.now)

    return await orders.change(command.order_id, command, context, decide)


async def mark_order_shipped(
    command: MarkOrderShipped, context: CommandContext, orders: Orders
) -> Answer:
    """The goods left. For services and the system."""
    require_service(context.actor)

    async def decide(order: Order) -> None:
        order.mark_shipped(at=context.now)

    return await orders.change(command.order_id, command, context, decide)


async def mark_order_delivered(
    command: MarkOrderDelivered, context: CommandContext, orders: Orders
) -> Answer:
    """The goods arrived. For services and the system."""
    require_service(context.actor)

    async def decide(order: Order) -> None:
        order.mark_delivered(at=context.now)

    return await orders.change(command.order_id, command, context, decide)


def handlers(
    orders: Orders, products: Products, customers: CustomerDirectory
) -> Mapping[type[Command], Handler]:
    """The handlers of Sales by command, with what they need."""
    with_all = {"orders": orders, "products": products, "customers": customers}
    return {
        AddProduct: partial(add_product, products=products),
        ChangeProductDetails: partial(change_product_details, products=products),
        ChangePrice: partial(change_price, products=products),
        DiscontinueProduct: partial(discontinue_product, products=products),
        CreateOrder: partial(create_order, **with_all),
        ImportOrder: partial(import_order, **with_all),
        AddItem: partial(add_item, orders=orders, products=products),
        RemoveItem: partial(remove_item, orders=orders),
        ConfirmOrder: partial(confirm_order, orders=orders),
        CancelOrder: partial(cancel_order, orders=orders),
        MarkOrderShipped: partial(mark_order_shipped, orders=orders),
        MarkOrderDelivered: partial(mark_order_delivered, orders=orders),
    }


def imported_order_id(reference: str) -> str:
    """The id of the one order with that external reference."""
    return derived_id("orders", "external-reference", reference)


def require_access(order: Order, actor: Actor, orders: Orders) -> None:
    """Let operators, services and the owner pass; for all others there is no such order."""
    if not actor.has("operator", "service") and order.customer_id != actor.id:
        raise orders.not_found(order.id)


def require_service(actor: Actor) -> None:
    """Let services and the system pass."""
    if not actor.has("service"):
        raise Forbidden("Only services do this.")


async def require_active(customers: CustomerDirectory, customer_id: str) -> None:
    """Refuse when the customer is unknown or inactive."""
    customer = await customers.find(customer_id)
    if customer is None:
        raise Refused(f"There is no customer {customer_id}.", code="customer-unknown")
    if not customer.active:
        raise Refused(f"Customer {customer_id} is not active.", code="customer-inactive")


async def orderable(products: Products, product_id: str) -> Product:
    """The product, if it can be ordered."""
    product = await known_product(products, product_id)
    if product.discontinued:
        raise Refused(f"Product {product_id} is discontinued.", code="product-discontinued")
    return product


async def known_product(products: Products, product_id: str) -> Product:
    """The product, discontinued or not."""
    product = await products.look_up(product_id)
    if not product.exists:
        raise Refused(f"There is no product {product_id}.", code="product-unknown")
    return product


async def price_lines(
    order_id: str, items: Sequence[OrderItem], products: Products
) -> list[OrderLine]:
    """Lines at today's prices."""
    ids = dict.fromkeys(item.product_id for item in items)
    known = {product_id: await orderable(products, product_id) for product_id in ids}
    return [
        _line(derived_id(order_id, str(number)), known[item.product_id], item.quantity)
        for number, item in enumerate(items)
    ]


async def name_lines(
    order_id: str, items: Sequence[ImportedLine], products: Products
) -> list[OrderLine]:
    """Lines at the prices they came with."""
    ids = dict.fromkeys(item.product_id for item in items)
    known = {product_id: await known_product(products, product_id) for product_id in ids}
    return [
        OrderLine(
            derived_id(order_id, str(number)),
            item.product_id,
            known[item.product_id].name,
            item.unit_price,
            item.quantity,
        )
        for number, item in enumerate(items)
    ]


def _line(item_id: str, product: Product, quantity: int) -> OrderLine:
    if product.price is None:
        raise ValueError(f"product {product.id} has no price")
    return OrderLine(item_id, product.id, product.name, product.price, quantity)
