"""Rebuilds `order_details` of a folder in two processes that stand still, to be killed.

Usage: python -m tests.integration.rebuild.sharing_process FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bootstrap.replay_processes import in_processes
from bootstrap.settings import Settings
from event_store.sqlite import SqliteEventStore
from tests.integration.projections.shop import DOCUMENTS, EVENTS, Shop
from tests.integration.rebuild.shared import COMMAND, SharedReadStore
from tests.integration.rebuild.world import ORDERS, rebuilder


async def main(folder: Path) -> None:
    events = await SqliteEventStore.open(folder / EVENTS)
    shop = Shop(events, await SharedReadStore.open(folder / DOCUMENTS))
    in_shares = in_processes(Settings(data=folder), 2, (*COMMAND, "stand"))
    await rebuilder(shop, in_shares=in_shares).rebuild(ORDERS)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
