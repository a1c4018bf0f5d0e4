"""A process that writes until it is killed: python writing_process.py FOLDER.

Every batch brings all documents and the checkpoint to the next number, which is printed once the
store has acknowledged it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from read_side.port import Checkpoint, Put, WriteBatch
from read_side.sqlite import SqliteReadStore
from tests.contract.read_store.support import ORDERS, line, order

KEYS = [f"o{number}" for number in range(150)]
SOURCE = "all"


def batch(number: int, revisions: dict[str, int]) -> WriteBatch:
    """All documents as of a number: as many lines as the number's last digit, and its name."""
    items = [line("p1", name=f"Name{number}") for _ in range(number % 10)]
    puts = [
        Put(key, order(key, items=items, status=f"s{number}"), {"s": number}, revisions.get(key))
        for key in KEYS
    ]
    return WriteBatch(puts, [Checkpoint(SOURCE, "store", f"{number:06}")])


async def main(folder: Path) -> None:
    store = await SqliteReadStore.open(folder)
    (generation,) = await store.generations(ORDERS)
    at = (await store.checkpoints(generation)).get(SOURCE)
    number = 0 if at is None else int(at.position)
    while True:
        number += 1
        stored = await store.load(generation, KEYS)
        revisions = {key: one.revision for key, one in stored.items()}
        await store.write(generation, batch(number, revisions))
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
