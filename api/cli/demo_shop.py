"""Fills the shop of `orderlog demo` through the real commands."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from pydantic import SecretStr

from api.cli import demo_goods as goods
from api.cli.demo_goods import DemoOrder, Person, Ware
from api.cli.receiving import receive_once
from contracts.commands.base import Command
from contracts.commands.inventory import IssueStock, MapProduct, ReceiveStock, ReserveStock
from contracts.commands.sales import (
    AddProduct,
    CancelOrder,
    ConfirmOrder,
    CreateOrder,
    MarkOrderDelivered,
    MarkOrderShipped,
    OrderItem,
)
from contracts.commands.users import RegisterUser
from contracts.values import SYSTEM, Actor, Money
from event_store.port import NO_VERSION, EventStore
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import CommandContext, derived_id

SOURCE = "demo"


@dataclass(frozen=True)
class DemoShop:
    """Who and what is in the shop, and the order that a visitor is about to make."""

    customer_id: str
    operator_id: str
    auditor_id: str
    product_id: str
    key: str = field(default_factory=lambda: f"demo-{secrets.token_hex(8)}")
    """The visitor's Idempotency-Key: another one at each start, so each start makes an order."""

    @property
    def order_id(self) -> str:
        """The id that the visitor's order will have: it follows from caller and key."""
        customer = Actor("user", self.customer_id, ("customer",))
        return _context(customer, datetime.now(UTC), self.key).new_id("orders")

    @property
    def order_stream(self) -> str:
        """The stream of the visitor's order; confirmed, it is at `CONFIRMED_VERSION`."""
        return f"order-{self.order_id}"


CONFIRMED_VERSION = 1
"""The version of the visitor's order once it is confirmed."""


async def fill(bus: CommandBus, events: EventStore) -> DemoShop:
    """Fill the shop; what is there already is left as it is.

    Raises:
        DomainError: a command was refused, or the event store can't go on.
    """
    filling = _Filling(bus, events)
    people = (*goods.CUSTOMERS, goods.OPERATOR, goods.AUDITOR)
    await asyncio.gather(*(filling.register(person) for person in people))
    for ware in goods.WARES:
        await filling.offer(ware)
    for number, order in enumerate(goods.ORDERS):
        await filling.order(f"order-{number}", order)
    return DemoShop(
        customer_id=_id(goods.CUSTOMERS[0].email),
        operator_id=_id(goods.OPERATOR.email),
        auditor_id=_id(goods.AUDITOR.email),
        product_id=_id(goods.FIRST_SKU),
    )


class _Filling:
    """Gives commands to the bus that can come again at every start."""

    def __init__(self, bus: CommandBus, events: EventStore) -> None:
        self._bus = bus
        self._events = events
        self._now = datetime.now(UTC)

    async def register(self, person: Person) -> None:
        if await self._is_there(f"user-{_id(person.email)}"):
            return
        password = None if person.password is None else SecretStr(person.password)
        command = RegisterUser(
            user_id=_id(person.email),
            name=person.name,
            email=person.email,
            password=password,
            roles=(person.role,),
        )
        await self._do(command, "register")

    async def offer(self, ware: Ware) -> None:
        product_id = _id(ware.sku)
        if not await self._is_there(f"product-{product_id}"):
            price = Money(Decimal(ware.price), goods.CURRENCY)
            command = AddProduct(
                product_id=product_id, name=ware.name, description=ware.description, price=price
            )
            await self._do(command, "add")
        await self._do(MapProduct(product_id=product_id, sku=ware.sku), None)
        receipt = ReceiveStock(sku=ware.sku, quantity=ware.stock, location="main")
        context = _context(SYSTEM, self._now, "demo-receive")
        await receive_once(self._bus, self._events, receipt, context)

    async def order(self, name: str, order: DemoOrder) -> None:
        """Make the order and let it go as far as it goes, unless it did so before."""
        order_id = _id(name)
        if await self._events.stream_version(f"order-{order_id}") >= len(order.steps):
            return
        customer_id = _id(order.customer.email)
        customer = Actor("user", customer_id, ("customer",))
        at = self._now - timedelta(days=order.days_ago)
        items = tuple(OrderItem(product_id=_id(sku), quantity=n) for sku, n in order.items)
        create = CreateOrder(
            order_id=order_id,
            customer_id=customer_id,
            items=items,
            shipping_address=goods.address_of(order.customer),
        )
        await self._do(create, "create", customer, at)
        for hours, step in enumerate(order.steps, start=1):
            then = at + timedelta(hours=hours)
            if step == "ship":
                await self._take_from_stock(order_id, order)
            command = _step(step, order_id)
            actor = SYSTEM if step in ("ship", "deliver") else customer
            await self._do(command, step, actor, min(then, self._now))

    async def _take_from_stock(self, order_id: str, order: DemoOrder) -> None:
        for sku, quantity in order.items:
            reserve = ReserveStock(sku=sku, order_id=order_id, order_version=0, quantity=quantity)
            await self._do(reserve, None)
            await self._do(IssueStock(sku=sku, order_id=order_id), None)

    async def _is_there(self, stream: str) -> bool:
        return await self._events.stream_version(stream) > NO_VERSION

    async def _do(
        self,
        command: Command,
        key: str | None,
        actor: Actor = SYSTEM,
        at: datetime | None = None,
    ) -> None:
        key = None if key is None else f"demo-{key}"
        await self._bus.handle(command, _context(actor, at or self._now, key))


def _step(step: str, order_id: str) -> Command:
    match step:
        case "confirm":
            return ConfirmOrder(order_id=order_id, payment_method="tok_visa")
        case "ship":
            return MarkOrderShipped(order_id=order_id)
        case "deliver":
            return MarkOrderDelivered(order_id=order_id)
        case _:
            return CancelOrder(order_id=order_id, reason="Ordered twice by mistake.")


def _id(name: str) -> str:
    return derived_id(SOURCE, name)


def _context(actor: Actor, now: datetime, key: str | None) -> CommandContext:
    return CommandContext(
        actor=actor,
        now=now,
        correlation_id=str(uuid4()),
        command_id=str(uuid4()),
        source=SOURCE,
        idempotency_key=key,
    )
