"""Appends from several tasks until killed or done, and prints each acknowledged event.

Usage: python -m tests.integration.event_store.appending_process FILE NAME [EVENTS_A_TASK]
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from event_store.errors import WrongExpectedVersion
from event_store.port import NO_VERSION
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import some

TASKS = 8
SHARED = "order-shared"


def acknowledge(stream: str, ids: list[str]) -> None:
    # One write of less than a page: the reader of the pipe never sees half a line.
    os.write(1, f"{stream} {','.join(ids)}\n".encode())


async def append_to_own(store: SqliteEventStore, stream: str, count: int) -> None:
    version = NO_VERSION
    while count:
        events = some(1 + count % 3)
        version = (await store.append(stream, events, expected=version)).version
        acknowledge(stream, [str(event.id) for event in events])
        count -= 1


async def append_to_shared(store: SqliteEventStore, count: int) -> None:
    while count:
        (event,) = some(1)
        try:
            await store.append(SHARED, [event], expected=await store.stream_version(SHARED))
        except WrongExpectedVersion:
            continue
        acknowledge(SHARED, [str(event.id)])
        count -= 1


async def main(path: Path, name: str, count: int) -> None:
    store = await SqliteEventStore.open(path)
    print("ready", flush=True)
    own = (append_to_own(store, f"order-{name}-{task}", count) for task in range(TASKS))
    await asyncio.gather(append_to_shared(store, count), *own)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int((*sys.argv, "-1")[3])))
