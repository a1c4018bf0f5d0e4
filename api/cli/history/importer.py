"""The import itself: reads the files in order and reports what became of each line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from api.cli.history.crew import Crew
from api.cli.history.records import (
    BadLine,
    CustomerRecord,
    OrderRecord,
    ProductRecord,
    R,
    decode,
    lines_of,
)
from api.cli.history.report import (
    CUSTOMERS,
    DISCONTINUED,
    ORDERS,
    PRODUCTS,
    STOCK,
    Outcome,
    Report,
)
from api.cli.history.shop import Shop
from contracts.errors import DomainError, Unavailable
from event_store.port import EventStore
from write_side.kernel.bus import CommandBus

AT_ONCE = 64
"""Lines under way at the same time."""

Advance = Callable[[], None]
Track = Callable[[str, int], Advance]
"""Told a step and how many things it has to do, gives what to call after each."""


async def import_history(
    folder: Path, bus: CommandBus, events: EventStore, *, currency: str, track: Track
) -> Report:
    """Import the files of a folder. Killed at any moment, it goes on when it is run again.

    Raises:
        FileNotFoundError: one of the files is missing; nothing was imported.
        Unavailable: the event store can't go on; what was imported is kept.
    """
    for name in (CUSTOMERS, PRODUCTS, ORDERS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"There is no {name} in {folder}.")
    shop = Shop(bus, events, currency=currency, began=await events.head())
    history = _History(folder, shop, track)
    await history.take_over(CUSTOMERS, CustomerRecord, history.customer)
    await history.take_over(PRODUCTS, ProductRecord, history.product)
    await history.take_over(ORDERS, OrderRecord, history.order)
    await history.receive_stock()
    await history.discontinue()
    return history.report


class _History:
    """The files under way, and what was learnt from them."""

    def __init__(self, folder: Path, shop: Shop, track: Track) -> None:
        self.report = Report()
        self._folder = folder
        self._shop = shop
        self._track = track
        self._seen: set[tuple[str, str]] = set()
        self._products: dict[str, ProductRecord] = {}
        self._line_of: dict[str, int] = {}
        self._ordered: Counter[str] = Counter()

    async def take_over(
        self, file: str, record_type: type[R], take: Callable[[R, int], Awaitable[bool]]
    ) -> None:
        """Read a file and take over each of its lines."""
        path = self._folder / file
        advance = self._track(file, sum(1 for _ in lines_of(path)))
        async with Crew(AT_ONCE) as crew:
            for number, text in lines_of(path):
                try:
                    record = decode(text, record_type)
                except BadLine as error:
                    self.report.refuse(file, file, number, error)
                    advance()
                    continue
                work = partial(take, record, number)
                await crew.start(
                    record.key, partial(self._attempt, file, file, number, work, advance)
                )

    async def customer(self, record: CustomerRecord, _: int) -> bool:
        """Take a customer over."""
        return await self._shop.customer(record) and self._is_first(CUSTOMERS, record.key)

    async def product(self, record: ProductRecord, number: int) -> bool:
        """Take a product over, and remember it for what comes last."""
        added = await self._shop.product(record)
        self._products[record.key], self._line_of[record.key] = record, number
        return self._is_first(PRODUCTS, record.key) and added

    async def order(self, record: OrderRecord, _: int) -> bool:
        """Take an order over, and count what it needs."""
        added = await self._shop.order(record)
        if not self._is_first(ORDERS, record.key):
            return False
        for line in record.lines:
            self._ordered[line.product] += line.quantity
        return added

    async def receive_stock(self) -> None:
        """Receive, once for each product, what was ordered and what is in stock today."""
        quantities = {
            key: product.units_in_stock + self._ordered[key]
            for key, product in self._products.items()
        }
        wanted = [product for key, product in self._products.items() if quantities[key]]
        await self._for_each(
            STOCK, wanted, lambda product: self._shop.receive(product, quantities[product.key])
        )

    async def discontinue(self) -> None:
        """Stop offering what the shop does not offer any more."""
        ended = [product for product in self._products.values() if product.discontinued]
        await self._for_each(DISCONTINUED, ended, self._shop.discontinue)

    async def _for_each(
        self,
        step: str,
        products: Sequence[ProductRecord],
        act: Callable[[ProductRecord], Awaitable[bool]],
    ) -> None:
        advance = self._track(step, len(products))
        async with Crew(AT_ONCE) as crew:
            for product in products:
                number, work = self._line_of[product.key], partial(act, product)
                attempt = partial(self._attempt, step, PRODUCTS, number, work, advance)
                await crew.start(product.key, attempt)

    async def _attempt(
        self,
        step: str,
        file: str,
        number: int,
        work: Callable[[], Awaitable[bool]],
        advance: Advance,
    ) -> None:
        try:
            added = await work()
        except Unavailable:
            raise
        except (BadLine, DomainError) as error:
            self.report.refuse(step, file, number, error)
        else:
            self.report.count(step, Outcome.ADDED if added else Outcome.ALREADY_THERE)
        advance()

    def _is_first(self, file: str, key: str) -> bool:
        """Whether this is the first line of the file about that thing."""
        known = (file, key) in self._seen
        self._seen.add((file, key))
        return not known
