"""Commands below HTTP: group commit against a transaction each, and against `eventsourcing`."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import uvloop
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from bootstrap.container import Container, open_container
from bootstrap.settings import Settings
from contracts.commands.sales import AddProduct, CreateOrder, OrderItem
from contracts.commands.users import RegisterUser
from contracts.ids import new_id
from contracts.values import Address, Money
from event_store.sqlite import writer
from write_side.kernel.context import by_system, derived_id

CALLERS = 64
EACH = 40
ROUNDS = 5
CUSTOMER = derived_id("benchmark", "customer")
PRODUCTS = [derived_id("benchmark", "product", str(number)) for number in range(3)]
ADDRESS = Address("Ada Lovelace", ("12 St James's Square",), "London", "GB")
PRICE = Money(Decimal("12.50"), "EUR")


@dataclass(frozen=True)
class Run:
    """What one round did, a second of time and a second of processor."""

    rate: float
    per_cpu: float


class PeerOrder(Aggregate):
    """The same order as an aggregate of the library, with its own way of storing."""

    @event("Created")
    def __init__(self, customer: str, items: list[dict[str, str]], total: str) -> None:
        """Keep the order."""
        self.customer = customer
        self.items = items
        self.total = total


class PeerKnown(Aggregate):
    """A customer or product of the library's, to be looked up as ours are."""

    @event("Added")
    def __init__(self, name: str) -> None:
        """Keep the name."""
        self.name = name


async def prepare(container: Container) -> None:
    """A customer and three products."""
    register = RegisterUser(user_id=CUSTOMER, name="Ada", email="ada@example.com")
    await container.bus.handle(register, by_system("benchmark"))
    for product in PRODUCTS:
        add = AddProduct(product_id=product, name="Tea", price=PRICE)
        await container.bus.handle(add, by_system("benchmark"))


async def create_order(container: Container) -> None:
    """An order of three lines."""
    items = tuple(OrderItem(product_id=product, quantity=2) for product in PRODUCTS)
    command = CreateOrder(
        order_id=new_id(), customer_id=CUSTOMER, items=items, shipping_address=ADDRESS
    )
    await container.bus.handle(command, by_system("benchmark"))


async def _round(work: Callable[[], Awaitable[None]]) -> Run:
    async def caller() -> None:
        for _ in range(EACH):
            await work()

    cpu, begin = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    count = CALLERS * EACH
    return Run(count / (time.perf_counter() - begin), count / (time.process_time() - cpu))


def _peer_round(application: Application[UUID], look_up: Sequence[UUID] = ()) -> Run:
    # One after the other: its recorder holds a lock for each transaction, callers only wait.
    cpu, begin = time.process_time(), time.perf_counter()
    count = CALLERS * EACH // 4
    for _ in range(count):
        for known in look_up:
            application.repository.get(known)
        items = [{"product": product, "quantity": "2", "price": "12.50"} for product in PRODUCTS]
        application.save(PeerOrder(customer=CUSTOMER, items=items, total="75.00"))
    return Run(count / (time.perf_counter() - begin), count / (time.process_time() - cpu))


async def _measure(folder: Path) -> tuple[list[Run], list[Run], list[Run], list[Run]]:
    peer: Application[UUID] = Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(folder / "peer.db"),
            # Kept in memory and brought up to date when looked up, as ours are.
            "AGGREGATE_CACHE_MAXSIZE": "100",
            "AGGREGATE_CACHE_FASTFORWARD": "y",
        }
    )
    known = [PeerKnown(name) for name in ("Ada", "Tea", "Cup", "Pot")]
    peer.save(*known)
    looked_up = [one.id for one in known]
    ours: list[Run] = []
    single: list[Run] = []
    peers: list[Run] = []
    blind: list[Run] = []
    limit = writer.GROUP_LIMIT
    async with open_container(Settings(data=folder)) as container:
        await prepare(container)
        for number in range(ROUNDS + 1):
            group = await _round(lambda: create_order(container))
            writer.GROUP_LIMIT = 1
            alone = await _round(lambda: create_order(container))
            writer.GROUP_LIMIT = limit
            other = _peer_round(peer, looked_up)
            without = _peer_round(peer)
            if number:  # the first round warms up
                ours.append(group)
                single.append(alone)
                peers.append(other)
                blind.append(without)
    peer.close()
    return ours, single, peers, blind


def run() -> str:
    """Measure, and say it as a table of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        ours, single, peers, blind = uvloop.run(_measure(Path(folder)))
    rows = [
        ("group commit", ours, "rate"),
        ("a transaction each", single, "rate"),
        ("`eventsourcing` Application, SQLite recorder, the same look-ups", peers, "per_cpu"),
        ("the same, looking nothing up", blind, "per_cpu"),
    ]
    lines = ["| | commands/s | per CPU second | ours is so many times that |", "|---|---|---|---|"]
    for name, runs, figure in rows:
        ratios = [getattr(o, figure) / getattr(r, figure) for o, r in zip(ours, runs, strict=True)]
        rate = statistics.median(r.rate for r in runs)
        cpu = statistics.median(r.per_cpu for r in runs)
        of = "" if figure == "rate" else ", per CPU second"
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f}){of}"
        lines.append(f"| {name} | {rate:,.0f} | {cpu:,.0f} | {spread} |")
    return "\n".join(lines)
