"""The data of one server: its file, its writer and readers, and who waits for new events."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from event_store.dev_server import reads
from event_store.dev_server.schema import open_database
from event_store.errors import EventStoreUnavailable
from event_store.sqlite.failures import translated
from event_store.sqlite.reader import Reader
from event_store.sqlite.writer import GroupCommitWriter, Transaction

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_PATIENCE = 5.0
_NEAR = 64
"""Events that are looked at on the event loop; more are in a thread."""


class Database:
    """Everything that the services of one server share."""

    def __init__(self, connection: sqlite3.Connection, reader: Reader) -> None:
        """Use `open_data` instead."""
        self._reader = reader
        self._writer = GroupCommitWriter(
            connection, now=now, patience=_PATIENCE, committed=self._advance
        )
        self._moved = asyncio.Event()
        self.head = reads.head(connection)
        """Position of the last event."""
        self._stopping = False

    async def write(self, work: Callable[[Transaction], Result], size: int = 0) -> Result:
        """Run `work` in a transaction; returns once it is on disk."""
        return await self._writer.submit(work, size)

    async def read(
        self,
        query: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run a query that takes no time."""
        return await self._reader.run(query, *args, **kwargs)

    async def read_long(
        self,
        query: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run a query that may take time, in a thread."""
        return await self._reader.run_in_thread(query, *args, **kwargs)

    async def log_page(
        self, wanted: reads.Filter | None, low: int, high: int, backwards: bool, limit: int
    ) -> reads.LogPage:
        """See `reads.log_page`."""
        run = (
            self.read if high - low <= _NEAR or (limit == 1 and wanted is None) else self.read_long
        )
        return await run(reads.log_page, wanted, low, high, backwards, limit)

    async def wait_beyond(self, position: int) -> None:
        """Return once there are events after this position.

        Raises:
            EventStoreUnavailable: the server ends.
        """
        while not self._stopping and self.head <= position:
            await self._moved.wait()
        self.check_running()

    def check_running(self) -> None:
        """Look whether subscriptions may go on.

        Raises:
            EventStoreUnavailable: the server ends.
        """
        if self._stopping:
            raise EventStoreUnavailable("the server is shutting down")

    def stop(self) -> None:
        """Send everybody away who follows events."""
        self._stopping = True
        self._wake()

    async def close(self) -> None:
        """Write what was accepted, then close the file."""
        self.stop()
        await self._writer.close()
        await self._reader.close()

    def _advance(self, head: int) -> None:
        self.head = head
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


@asynccontextmanager
async def open_data(path: Path) -> AsyncGenerator[Database]:
    """Open the file while this lasts; create it, and its folder, when there is none.

    Raises:
        EventStoreError: it can't be opened.
    """
    connection, reader = await asyncio.to_thread(_open, path)
    database = Database(connection, reader)
    try:
        yield database
    finally:
        await database.close()


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def _open(path: Path) -> tuple[sqlite3.Connection, Reader]:
    try:
        connection = open_database(path)
        try:
            return connection, Reader(path, _PATIENCE)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise translated(error) from error
    except OSError as error:
        raise EventStoreUnavailable(f"the event store's file can't be opened: {error}") from error
