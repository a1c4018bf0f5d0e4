"""A rebuild is killed at every step: what serves goes on serving, and the next rebuild succeeds."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

from tests.integration.projections.shop import opened
from tests.integration.rebuild.world import NAME, ORDERS, fill, rebuilder

COMMAND = (sys.executable, "-m", "tests.integration.rebuild.rebuilding_process")
STEPS = 10


async def next_step(process):
    """Return when the process stands at its next step, beyond what it logs."""
    while (line := await process.stdout.readline()) != b"step\n":
        assert line, "it ended too soon"


async def test_killed_at_ten_moments_then_the_old_serves_and_the_next_run_succeeds(tmp_path):
    async with opened(tmp_path) as shop:
        await fill(shop)
        await rebuilder(shop).rebuild(ORDERS)
        await rebuilder(shop).rebuild(ORDERS)
        expected = await shop.all(NAME)
        for steps in range(1, STEPS + 1):
            process = await asyncio.create_subprocess_exec(
                *COMMAND, str(tmp_path), stdin=PIPE, stdout=PIPE
            )
            async with asyncio.timeout(20):
                for number in range(steps):
                    if number:
                        process.stdin.write(b"\n")
                    await next_step(process)
                process.kill()
                await process.wait()
            assert await shop.all(NAME) == expected
            outcome = await rebuilder(shop, page_size=5).rebuild(ORDERS)
            assert outcome.switched
            assert outcome.comparison.differing == 0
            assert await shop.all(NAME) == expected
            assert len(await shop.documents.generations(NAME)) == 2
