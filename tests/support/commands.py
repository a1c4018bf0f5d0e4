"""Commands carried out by real handlers on a real event store: a small shop.

    shop = Shop(store)
    tea = await shop.product("12.50")                       # offered by an operator
    answer = await shop.handle(create_order(1, tea), by=ADA, key="k1")
    assert await shop.types(answer.stream) == ["OrderCreated"]

`asked(by, key=, version=, at=)` is the context of a command from outside. `uid(n)` is an id.
`Counting(store)` counts the conflicts that appends met, `Unsure(store)` loses their answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from bootstrap.directories import OrdersAsBook, ProductsAsCatalogue
from contracts.commands.base import Command
from contracts.commands.sales import AddProduct, CreateOrder, OrderItem
from contracts.events.base import Event
from contracts.metadata import Metadata
from contracts.values import Actor, Address, Money
from event_store.chain import Chain
from event_store.codec import decode
from event_store.errors import AppendOutcomeUnknown, WrongExpectedVersion
from event_store.port import Appended, ExpectedVersion, NewEvent
from write_side.inventory import command_handlers as inventory
from write_side.inventory.anti_corruption_layer import AntiCorruptionLayer
from write_side.inventory.sku_mapping import SkuMapping
from write_side.inventory.stock_item import StockItem
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import Answer, CommandContext
from write_side.kernel.repository import Repository
from write_side.sales import command_handlers as sales
from write_side.sales.order import Order
from write_side.sales.ports import Customer
from write_side.sales.product import Product

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
KEY = b"fingerprint key of the tests"
CHAIN = Chain(b"audit key of the tests")


def uid(number: int) -> str:
    """The id of that number."""
    return f"00000000-0000-4000-8000-{number:012x}"


ADA = Actor("user", uid(0xADA), ("customer",))
EVE = Actor("user", uid(0xE7E), ("customer",))
OPERATOR = Actor("user", uid(0x09E), ("operator",))
AUDITOR = Actor("user", uid(0xA0D), ("auditor",))
SERVICE = Actor("service", "shipping", ("service",))
ADDRESS = Address("Ada Lovelace", ("1 Street",), "Paris", "FR", postal_code="75001")


def asked(
    by: Actor = OPERATOR,
    *,
    key: str | None = None,
    version: int | None = None,
    at: datetime = NOW,
) -> CommandContext:
    """The context of a command from outside."""
    return CommandContext(
        actor=by,
        now=at,
        correlation_id=str(uuid4()),
        command_id=str(uuid4()),
        source="test",
        idempotency_key=key,
        expected_version=version,
    )


def money(amount: str, currency: str = "EUR") -> Money:
    """Money, as written."""
    return Money(Decimal(amount), currency)


def create_order(
    order: int, *products: str, quantity: int = 2, customer: str = ADA.id
) -> CreateOrder:
    """The command to order that many of each product."""
    items = tuple(OrderItem(product_id=product, quantity=quantity) for product in products)
    return CreateOrder(
        order_id=uid(order), customer_id=customer, items=items, shipping_address=ADDRESS
    )


@dataclass
class FakeCustomers:
    """A `CustomerDirectory` in memory: ids, and whether they are active."""

    known: dict[str, bool] = field(default_factory=lambda: {ADA.id: True, EVE.id: True})

    async def find(self, customer_id: str) -> Customer | None:
        """The customer, if it is known."""
        active = self.known.get(customer_id)
        return None if active is None else Customer(customer_id, active)


class Shop:
    """Sales and Inventory on one store."""

    def __init__(self, store: Any, *, snapshot_every: int = 100) -> None:
        self.store = store

        def repository(aggregate_type: Any) -> Repository[Any]:
            return Repository(
                aggregate_type,
                store,
                store,
                fingerprint_key=KEY,
                chain=CHAIN,
                snapshot_every=snapshot_every,
            )

        self.customers = FakeCustomers()
        self.orders: Repository[Order] = repository(Order)
        self.products: Repository[Product] = repository(Product)
        self.stock: Repository[StockItem] = repository(StockItem)
        self.mappings: Repository[SkuMapping] = repository(SkuMapping)
        self.book = OrdersAsBook(self.orders)
        self.layer = AntiCorruptionLayer(self.mappings)
        catalogue = ProductsAsCatalogue(self.products)
        self.bus = CommandBus(
            {
                **sales.handlers(self.orders, self.products, self.customers),
                **inventory.handlers(self.stock, self.mappings, catalogue),
            }
        )
        self._numbers = count(0x5000)

    async def handle(
        self,
        command: Command,
        by: Actor = OPERATOR,
        *,
        key: str | None = None,
        version: int | None = None,
        at: datetime = NOW,
    ) -> Answer:
        """Carry out a command from outside."""
        return await self.bus.handle(command, asked(by, key=key, version=version, at=at))

    async def product(self, amount: str = "12.50", currency: str = "EUR") -> str:
        """Offer a new product; its id."""
        product_id = uid(next(self._numbers))
        price = money(amount, currency)
        await self.handle(AddProduct(product_id=product_id, name="Tea", price=price))
        return product_id

    async def events(self, stream: str) -> list[tuple[Event, Metadata]]:
        """What happened in a stream."""
        return [decode(recorded) for recorded in await self.store.read_stream(stream)]

    async def types(self, stream: str) -> list[str]:
        """The types of what happened in a stream."""
        return [recorded.type for recorded in await self.store.read_stream(stream)]


class Passing:
    """A store that passes everything on to another."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Counting(Passing):
    """Counts appends and the conflicts they met."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.appends = 0
        self.conflicts = 0

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        """Append, and count."""
        self.appends += 1
        try:
            return await self._store.append(stream, events, expected=expected)
        except WrongExpectedVersion:
            self.conflicts += 1
            raise


class Unsure(Passing):
    """Loses the answers to the next appends, to streams of a category, one for each plan.

    A plan says whether the events were written before the answer was lost; a callable plan makes
    the error to raise instead, with nothing written.
    """

    def __init__(self, store: Any, *plans: bool | Callable[[], Exception], of: str = "") -> None:
        super().__init__(store)
        self.plans = list(plans)
        self.of = of

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        """Append, or seem not to."""
        if not self.plans or not stream.startswith(self.of):
            return await self._store.append(stream, events, expected=expected)
        plan = self.plans.pop(0)
        if callable(plan):
            raise plan()
        if plan:
            await self._store.append(stream, events, expected=expected)
        raise AppendOutcomeUnknown("the answer was lost")


def minutes(number: float) -> datetime:
    """That many minutes after `NOW`."""
    return NOW + timedelta(minutes=number)
