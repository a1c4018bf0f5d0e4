"""Runs all projections on the stores of a folder until killed.

Usage: python -m tests.integration.projections.projecting_process FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.integration.projections.shop import opened


async def main(folder: Path) -> None:
    async with opened(folder) as shop, shop.running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
