"""What the hashes over events cost a CreateOrder, below HTTP: with and without, interleaved.

python -m benchmarks.chain_cost
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import uvloop

from bootstrap.container import Container, open_container
from bootstrap.settings import Settings
from contracts.commands.sales import AddProduct, CreateOrder, OrderItem
from contracts.commands.users import RegisterUser
from contracts.ids import new_id
from contracts.values import Address, Money
from event_store.chain import Chain, Unchained
from event_store.port import NewEvent
from write_side.kernel.context import by_system, derived_id

PAIRS = 40
CONCURRENT = 64
COMMANDS = 12
"""Of each of the concurrent callers, in one measurement."""
CUSTOMER = derived_id("benchmark", "customer")
PRODUCTS = [derived_id("benchmark", "product", str(number)) for number in range(3)]

_chained = Chain.chained


def _unchained(
    self: Chain, stream: str, first: int, before: str, events: Iterable[Unchained]
) -> tuple[list[NewEvent], str]:
    return [NewEvent(*event) for event in events], ""


async def _measure(container: Container) -> float:
    """CPU time of a command, in microseconds."""
    address = Address("Ada Lovelace", ("12 St James's Square",), "London", "GB")
    items = tuple(OrderItem(product_id=product, quantity=2) for product in PRODUCTS)

    async def caller() -> None:
        for _ in range(COMMANDS):
            create = CreateOrder(
                order_id=new_id(), customer_id=CUSTOMER, items=items, shipping_address=address
            )
            await container.bus.handle(create, by_system("benchmark"))

    started = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CONCURRENT)))
    return (time.process_time() - started) / (CONCURRENT * COMMANDS) * 1e6


async def _run(folder: Path) -> str:
    async with open_container(Settings(data=folder)) as container:
        register = RegisterUser(user_id=CUSTOMER, name="Ada", email="ada@example.com")
        await container.bus.handle(register, by_system("benchmark"))
        price = Money(Decimal("12.50"), "EUR")
        for product in PRODUCTS:
            add = AddProduct(product_id=product, name="Tea", price=price)
            await container.bus.handle(add, by_system("benchmark"))
        await _measure(container)
        measured: list[dict[str, float]] = []
        for _ in range(PAIRS):
            pair: dict[str, float] = {}
            for way in random.sample(("with", "without"), 2):
                Chain.chained = _chained if way == "with" else _unchained
                pair[way] = await _measure(container)
            measured.append(pair)
    ratios = [pair["with"] / pair["without"] for pair in measured]
    low, middle, high = statistics.quantiles(ratios, n=4)
    with_, without = (statistics.median(pair[w] for pair in measured) for w in ("with", "without"))
    return (
        f"with hashes {with_:.0f} µs of CPU a command, without {without:.0f}; "
        f"ratio {middle:.3f} (quartiles {low:.3f} and {high:.3f})"
    )


def run() -> str:
    """One line: microseconds with and without, and the ratio of interleaved pairs."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return uvloop.run(_run(Path(folder)))
        finally:
            Chain.chained = _chained


if __name__ == "__main__":
    print(run())
