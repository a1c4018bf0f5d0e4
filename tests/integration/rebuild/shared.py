"""A read store of SQLite files that several processes load at once, row by row.

Run as a program it is a process that replays a share into one, and as it is told to:
`python -m tests.integration.rebuild.shared [stand|fail]`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bootstrap.replay_share import main
from bootstrap.settings import Settings
from event_store.sqlite import SqliteEventStore
from read_side.port import Generation, ReadStoreUnavailable
from read_side.rebuild_port import GenerationWriter
from read_side.sqlite import SqliteReadStore
from tests.integration.projections.shop import DOCUMENTS, EVENTS

COMMAND = (sys.executable, "-m", "tests.integration.rebuild.shared")
SOCKET = "standing"


class SharedReadStore(SqliteReadStore):
    """Loads as everything is written."""

    @asynccontextmanager
    async def load_in_bulk(self, generation: Generation) -> AsyncIterator[GenerationWriter]:
        yield self

    @asynccontextmanager
    async def load_share(self, generation: Generation) -> AsyncIterator[GenerationWriter]:
        yield self


class Standing(SharedReadStore):
    """Stands still after the first write, and says so to whoever watches the folder."""

    folder: Path

    async def write(self, *what):
        await super().write(*what)
        _, writer = await asyncio.open_unix_connection(self.folder / SOCKET)
        writer.write(b"%d\n" % os.getpid())
        await asyncio.Event().wait()


class Watch:
    """Knows the processes that stand still, and when they are gone."""

    def __init__(self):
        self._met = asyncio.Queue()
        self._connected = []

    async def meet(self, reader, writer):
        self._connected.append((reader, writer))
        self._met.put_nowait(int(await reader.readline()))

    async def standing(self, count):
        async with asyncio.timeout(30):
            return [await self._met.get() for _ in range(count)]

    async def gone(self):
        """Wait not even two seconds for that."""
        async with asyncio.timeout(2):
            for reader, writer in self._connected:
                assert await reader.read() == b""
                writer.close()


@asynccontextmanager
async def watching(folder):
    watch = Watch()
    async with await asyncio.start_unix_server(watch.meet, folder / SOCKET):
        yield watch


class Failing(SharedReadStore):
    """Can't be written by the first process."""

    async def write(self, *what):
        raise ReadStoreUnavailable("the disk is full")


KINDS = {"": SharedReadStore, "stand": Standing, "fail": Failing}


@asynccontextmanager
async def stores(settings: Settings):
    events = await SqliteEventStore.open(settings.data / EVENTS)
    documents = await KINDS["".join(sys.argv[1:])].open(settings.data / DOCUMENTS)
    documents.folder = settings.data
    try:
        yield events, documents
    finally:
        await documents.close()
        await events.close()


if __name__ == "__main__":
    main(stores)
