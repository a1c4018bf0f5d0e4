"""A projecting process is killed again and again: nothing is lost, nothing shows twice."""

from __future__ import annotations

import asyncio
import random
import sys

from projections.catalogue import PROJECTORS
from tests.integration.projections.shop import ADDED, CREATED, RECEIVED, RESERVED, Shop, opened

KILLS = 5


async def trade(shop: Shop, closed: asyncio.Event) -> None:
    """Orders and stock, until the shop closes."""
    what = CREATED
    while not closed.is_set():
        for order in range(5):
            await shop.append(f"order-{order}", what)
        await shop.append("stock-TEA", RECEIVED, RESERVED)
        await asyncio.sleep(0.02)  # a quiet shop: it is the kills that are tested
        what = ADDED


async def test_killed_at_any_moment_then_the_documents_equal_a_clean_build(tmp_path):
    chance = random.Random(7)
    command = [sys.executable, "-m", "tests.integration.projections.projecting_process"]
    async with opened(tmp_path) as shop:
        closed = asyncio.Event()
        trading = asyncio.create_task(trade(shop, closed))
        for _ in range(KILLS):
            process = await asyncio.create_subprocess_exec(*command, str(tmp_path))
            await written(shop)
            await asyncio.sleep(chance.random() * 0.05)  # killed at any moment, not at a chosen one
            process.kill()
            await process.wait()
        closed.set()
        await trading
        async with shop.running():
            for name in ("order_details", "stock_levels", "event_log"):
                projected = await shop.all(name)
                assert projected
                assert projected == await shop.clean_build(PROJECTORS[name]), name


async def written(shop: Shop) -> None:
    """Return when the other process has projected something."""

    async def documents() -> int:
        generations = await shop.documents.generations("order_details")
        return hash(str([await shop.documents.checkpoints(g) for g in generations]))

    before = await documents()
    async with asyncio.timeout(20):
        while await documents() == before:
            await shop.documents.wait_for_write("order_details", 0.02)
