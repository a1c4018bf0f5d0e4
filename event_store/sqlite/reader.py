"""Reading beside the writer: short reads on the event loop, long ones in a thread."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from event_store.errors import EventStoreUnavailable
from event_store.port import Page, Position, RecordedEvent
from event_store.positions import number_of
from event_store.sqlite import queries
from event_store.sqlite.failures import is_busy, translated
from event_store.sqlite.schema import connect

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

LONG_STREAM = 1024
"""Events of a stream that are read on the event loop; those beyond are read in a thread."""
SMALL_STEP = 64
"""How far the head may be ahead for a page to be read on the event loop."""
_BUSY_WAIT = 0.005


class Reader:
    """Two connections that only read: one for the event loop, one for a thread."""

    def __init__(self, path: Path, patience: float) -> None:
        """Open the file; `patience` is how many seconds to wait when it is locked."""
        self._patience = patience
        self._near = connect(path)
        self._far = connect(path, busy_timeout=patience)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="event-store-read")
        self._closed = False

    async def run(
        self,
        query: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run a short query on the event loop.

        Raises:
            EventStoreError: it failed.
        """
        deadline = 0.0
        while True:
            try:
                return query(self._near, *args, **kwargs)
            except sqlite3.Error as error:
                # Only while another process opens the file after a crash, or closes it.
                deadline = deadline or time.monotonic() + self._patience
                if not is_busy(error) or time.monotonic() > deadline:
                    raise translated(error) from error
            await asyncio.sleep(_BUSY_WAIT)

    async def run_in_thread(
        self,
        query: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run a query that may take long.

        Raises:
            EventStoreError: it failed.
        """
        if self._closed:
            raise EventStoreUnavailable("the event store is closed")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._thread, lambda: query(self._far, *args, **kwargs)
            )
        except sqlite3.Error as error:
            raise translated(error) from error

    async def stream(
        self, stream: str, low: int, high: int, backwards: bool, limit: int | None
    ) -> list[RecordedEvent]:
        """Events of a stream with versions from `low` to `high`, at most `limit` of them."""
        count = LONG_STREAM if limit is None else min(limit, LONG_STREAM)
        events = await self.run(queries.read_stream, stream, low, high, backwards, count)
        if len(events) < LONG_STREAM or limit == LONG_STREAM:
            return events
        if backwards:
            high = events[-1].version - 1
        else:
            low = events[-1].version + 1
        rest = -1 if limit is None else limit - LONG_STREAM
        return events + await self.run_in_thread(
            queries.read_stream, stream, low, high, backwards, rest
        )

    async def page(
        self, after: Position | None, categories: Collection[str] | None, limit: int
    ) -> Page:
        """At most `limit` events after a position."""
        behind = await self.run(queries.head) - number_of(after)
        run = self.run if behind <= SMALL_STEP else self.run_in_thread
        return await run(queries.read_page, after, categories, limit)

    async def close(self) -> None:
        """Let reads under way finish, then close the connections."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        self._near.close()
        self._far.close()
