"""Carries out numbered requests with keys and tells on stdout what each was answered.

Every worker goes through the same requests; run it again and it begins anew with the first.
"""

from __future__ import annotations

import asyncio
import json
import sys

from contracts.commands.base import Command
from contracts.commands.inventory import ReceiveStock
from contracts.commands.sales import AddItem
from tests.support.commands import ADA, OPERATOR, Shop, uid
from tests.support.stores import open_store
from write_side.kernel.context import Answer

ORDER = uid(1)


def request(number: int, product: str) -> tuple[str, Command]:
    """The request of that number and its key: items into one order, goods into one stock."""
    if number % 2:
        return f"add-{number}", AddItem(order_id=ORDER, product_id=product, quantity=number)
    return f"receive-{number}", ReceiveStock(sku="TEA", quantity=number + 1, location="main")


async def ask(shop: Shop, number: int, product: str) -> Answer:
    """Carry out the request of that number."""
    key, command = request(number, product)
    by = ADA if isinstance(command, AddItem) else OPERATOR
    return await shop.handle(command, by, key=key)


def written(number: int, answer: Answer) -> str:
    """What is told of an answer."""
    return json.dumps([number, answer.id, answer.version, answer.position, dict(answer.ids)])


async def main(address: str, product: str, first: int) -> None:
    """Go through the requests until killed, four at a time."""
    shop = Shop(await open_store(address), snapshot_every=7)

    async def worker(offset: int) -> None:
        for number in range(first + offset, first + 100_000, 4):
            answer = await ask(shop, number, product)
            sys.stdout.write(written(number, answer) + "\n")
            sys.stdout.flush()

    await asyncio.gather(*(worker(offset) for offset in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
