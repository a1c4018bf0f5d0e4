"""Takes over one customer, product or order of a shop, by commands that can come again."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from api.cli.history.records import BadLine, CustomerRecord, OrderRecord, ProductRecord
from api.cli.history.translation import (
    add_product,
    import_order,
    in_the_shops_words,
    map_product,
    product_id,
    receive_stock,
    register_user,
    start_of,
)
from api.cli.receiving import receive_once
from contracts.commands.base import Command
from contracts.commands.sales import ConfirmOrder, DiscontinueProduct, MarkOrderShipped
from contracts.errors import IdempotencyKeyReused, Refused
from contracts.values import SYSTEM
from event_store.composite import part_for
from event_store.port import EventStore, Position
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import Answer, CommandContext

SOURCE = "import"


class Shop:
    """A shop that is being taken over.

    Its methods say whether something was added: False when all was there before. They raise
    `BadLine` or `DomainError`. Every command has a key made of the shop's own id.
    """

    def __init__(
        self, bus: CommandBus, events: EventStore, *, currency: str, began: Position | None
    ) -> None:
        """Amounts are in `currency`; what stands after position `began` is added now."""
        self._bus = bus
        self._events = events
        self._currency = currency
        self._began = began
        self._import_id = str(uuid4())

    async def customer(self, record: CustomerRecord) -> bool:
        """Register a customer, who can't sign in."""
        return await self._do(register_user(record), f"customer:{record.key}")

    async def product(self, record: ProductRecord) -> bool:
        """Add a product and keep it under a SKU."""
        added = await self._do(add_product(record, self._currency), f"product:{record.key}")
        await self._bus.handle(map_product(record), self._context(None))
        return added

    async def order(self, record: OrderRecord) -> bool:
        """Take over an order: confirmed on its own date, and shipped where it was."""
        command = import_order(record, self._currency)
        key, ordered = f"order:{record.key}", start_of(record.order_date)
        try:
            answer = await self._give(command, self._context(key, ordered))
        except Refused as refusal:
            detail = in_the_shops_words(refusal.detail, record)
            raise Refused(detail, code=refusal.code) from refusal
        added = self._is_new(answer)
        confirm = ConfirmOrder(order_id=answer.id)
        added |= await self._do(confirm, f"{key}:confirm", ordered)
        if record.shipped_date is not None:
            ship = MarkOrderShipped(order_id=answer.id)
            added |= await self._do(ship, f"{key}:ship", start_of(record.shipped_date))
        return added

    async def receive(self, record: ProductRecord, quantity: int) -> bool:
        """Receive so many pieces of a product, once."""
        added = False
        for number, command in enumerate(receive_stock(record, quantity)):
            context = self._context(f"stock:{record.key}:{number}")
            answer = await receive_once(self._bus, self._events, command, context)
            added |= answer is not None and self._is_new(answer)
        return added

    async def discontinue(self, record: ProductRecord) -> bool:
        """Stop offering a product."""
        command = DiscontinueProduct(product_id=product_id(record.key))
        return await self._do(command, f"product:{record.key}:discontinue")

    async def _do(self, command: Command, key: str, now: datetime | None = None) -> bool:
        return self._is_new(await self._give(command, self._context(key, now)))

    async def _give(self, command: Command, context: CommandContext) -> Answer:
        try:
            return await self._bus.handle(command, context)
        except IdempotencyKeyReused as error:
            raise BadLine("was imported before with other contents; those are kept") from error

    def _context(self, key: str | None, now: datetime | None = None) -> CommandContext:
        return CommandContext(
            actor=SYSTEM,
            now=now or datetime.now(UTC),
            correlation_id=self._import_id,
            command_id=str(uuid4()),
            source=SOURCE,
            idempotency_key=None if key is None else f"import:{key}",
        )

    def _is_new(self, answer: Answer) -> bool:
        began = part_for(self._began or "", answer.stream)
        return answer.position is not None and answer.position > began
