"""A process that acknowledges commands is killed; the same requests again change nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from event_store.port import WholeEventStore
from tests.integration.write_side.acknowledging_process import ORDER, ask, written
from tests.support.commands import ADA, Shop, create_order
from tests.support.stores import opened

ROUNDS = 3
ANSWERS = 30


async def acknowledged_until_killed(address: str, product: str, first: int) -> list[str]:
    """What the process told before it was killed, at a moment it does not choose."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.write_side.acknowledging_process",
        address,
        product,
        str(first),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(ANSWERS)]
    process.kill()
    rest = await process.stdout.read()
    assert await process.wait() == -9
    # Of the last line maybe only a part was written; its request counts as not acknowledged.
    told = (b"".join(lines) + rest).decode().rpartition("\n")[0]
    return told.splitlines()


async def test_what_was_acknowledged_is_answered_the_same_and_nothing_is_applied_twice(
    address: str, store: WholeEventStore
):
    shop = Shop(store, snapshot_every=7)
    product = await shop.product()
    await shop.handle(create_order(1), ADA)
    asked: set[int] = set()
    for round_ in range(ROUNDS):
        first = round_ * 1000
        told = await acknowledged_until_killed(address, product, first)
        assert len(told) >= ANSWERS
        numbers: set[int] = {json.loads(line)[0] for line in told}
        recent = [line for line in told if json.loads(line)[0] >= max(numbers) - 60]
        again = [await asked_again(shop, line, product) for line in recent]
        assert again == recent
        # One request of each worker may have been on its way: asked again it is done once.
        on_its_way = range(first, max(numbers) + 8)
        for number in set(on_its_way) - numbers:
            await ask(shop, number, product)
        asked |= set(on_its_way)
    async with opened(address) as reopened:
        await nothing_was_applied_twice(Shop(reopened), asked)


async def asked_again(shop: Shop, line: str, product: str) -> str:
    number: int = json.loads(line)[0]
    return written(number, await ask(shop, number, product))


async def nothing_was_applied_twice(shop: Shop, asked: set[int]) -> None:
    received: list[int] = [
        event.quantity - 1  # pyright: ignore
        for event, _ in await shop.events("stock-TEA")
    ]
    added: list[Any] = [line.quantity for line in (await shop.orders.load(ORDER)).items.values()]
    assert sorted(received + added) == sorted(asked)
