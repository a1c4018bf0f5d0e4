"""Rebuilds `order_details` of a folder and prints a line for every step, to be killed at one.

Usage: python -m tests.integration.rebuild.rebuilding_process FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from projections import rebuild
from tests.integration.projections.shop import opened
from tests.integration.rebuild.world import ORDERS, rebuilder


def step(*_: object) -> None:
    print("step", flush=True)
    sys.stdin.readline()


async def main(folder: Path) -> None:
    compare = rebuild.compare

    async def comparing(*args):
        step()
        return await compare(*args)

    rebuild.compare = comparing
    async with opened(folder) as shop:
        for name in ("activate", "drop"):
            do = getattr(shop.documents, name)

            async def stepping(generation, do=do):
                step()
                await do(generation)
                step()

            setattr(shop.documents, name, stepping)
        await rebuilder(shop, report=step, page_size=5).rebuild(ORDERS)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
