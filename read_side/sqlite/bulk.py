"""Loading a generation that nobody else uses: one statement a batch, beside the next one's making.

The file has no journal and is not synced until the end: a load that ends early is thrown away.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from contracts.parked import ParkedStream
from read_side.fields import Columns
from read_side.marks import Marks
from read_side.port import Discard, DocumentRefused, Generation, Put, Stored, WriteBatch
from read_side.sqlite import bulk_sql, states
from read_side.sqlite.catalogue import Catalogue
from read_side.sqlite.connections import closed_on_error, opened_in_thread, sqlite_errors
from read_side.sqlite.schema import analyse, indexes, open_generation_file
from read_side.sqlite.shape import UnlikeShape, text_reader

T = TypeVar("T")

_CACHE_KIB = 32_768
_SORTER_KIB = 8_192
# What is sorted goes to files, as much at once as the cache may hold: memory stays the same however
# much there is.
_SORTING = ("temp_store = FILE", f"cache_size = -{_SORTER_KIB}")
_encode = msgspec.json.encode
_decode_streams = msgspec.json.Decoder(dict[str, int]).decode


class SqliteBulkLoad:
    """Writes in a thread of its own; a write returns as soon as the one before is done."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        columns: Columns,
        catalogue: Catalogue,
        thread: ThreadPoolExecutor,
    ) -> None:
        """Own the connection and the thread; use `loading`."""
        self._connection = connection
        self._columns = columns
        self._catalogue = catalogue
        self._statements = list(bulk_sql.write_batch(columns))
        self._fill = bulk_sql.fill_batch(columns)
        self._texts = text_reader(columns)
        self._thread = thread
        self._no_texts = (None,) * len(columns.texts)
        self._pending: asyncio.Future[None] | None = None
        self._recent: dict[str, Put] = {}
        self._written = Marks()

    async def load(self, generation: Generation, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the documents that exist, by key."""
        found: dict[str, Stored] = {}
        unsure: list[str] = []
        for key in keys:
            if (recent := self._recent.get(key)) is not None:
                found[key] = Stored(recent.document, recent.streams, _next_revision(recent))
            elif key in self._written:
                unsure.append(key)
        if unsure:
            rows = await self._run(
                lambda: self._connection.execute(bulk_sql.LOAD, (_encode(unsure),)).fetchall()
            )
            for key, text, streams, revision in rows:
                document = None if text is None else msgspec.json.decode(text)
                found[key] = Stored(document, _decode_streams(streams), revision)
        return found

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        """Write documents, then the checkpoint, while the caller goes on.

        Raises:
            DocumentRefused: nothing of the batch is written.
        """
        rows = [self._row(put) for put in batch.puts]
        await self.settle()
        # Row by row is for this thread: another one would wait for the interpreter each time.
        self._connection.execute("BEGIN")
        self._connection.executemany(self._fill, rows)
        self._recent = {put.key: put for put in batch.puts}
        self._written.add(self._recent)
        loop = asyncio.get_running_loop()
        self._pending = loop.run_in_executor(self._thread, self._write, batch)

    async def parked(self, generation: Generation) -> Sequence[ParkedStream]:
        """The parked streams, oldest first."""
        return await self._run(
            lambda: states.read_parked(lambda sql: self._connection.execute(sql).fetchall())
        )

    async def discard(self, discard: Discard) -> None:
        """Remember an event as given up."""
        await self._catalogue.add_discard(discard)

    async def discards(self, projection: str) -> Sequence[Discard]:
        """What was given up."""
        return self._catalogue.discards(projection)

    async def settle(self) -> None:
        """Return when all was written."""
        pending, self._pending = self._pending, None
        if pending is not None:
            await pending

    async def finish(self, path: Path) -> None:
        """Make the generation ready for others, and safe on disk."""
        await self._run(lambda: self._finish(path))

    async def close(self) -> None:
        """Wait for the write under way, whatever becomes of it, and let go of the file."""
        if self._pending is not None:
            await asyncio.wait([self._pending])
            self._pending.exception()
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        self._thread.shutdown()
        self._connection.close()

    async def _run(self, work: Callable[[], T]) -> T:
        await self.settle()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _row(self, put: Put) -> tuple[str | int | None, ...]:
        try:
            streams, document = _encode(put.streams).decode(), _encode(put.document)
            put.key.encode()
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise DocumentRefused(put.key, str(error)) from error
        try:
            texts = self._texts(document)
        except UnlikeShape:
            texts = self._columns.index(put.key, put.document).texts
        text = None if put.document is None else document.decode()
        return put.key, _next_revision(put), streams, text, *(texts or self._no_texts)

    def _write(self, batch: WriteBatch) -> None:
        for statement in self._statements:
            self._connection.execute(statement)
        states.write_states(self._connection, batch)
        self._connection.execute("COMMIT")

    def _finish(self, path: Path) -> None:
        for setting in _SORTING:
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.execute("BEGIN")
        for statement in indexes(self._columns):
            self._connection.execute(statement)
        analyse(self._connection)
        self._connection.execute("COMMIT")
        _sync(path)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        _sync(path.parent)


@asynccontextmanager
async def loading(
    path: Path, columns: Columns, catalogue: Catalogue
) -> AsyncGenerator[SqliteBulkLoad]:
    """Load the file of a generation; see `RebuildStore.load_in_bulk`."""
    with sqlite_errors(path):
        thread = ThreadPoolExecutor(1, thread_name_prefix="read-store-bulk")
        try:
            connection = await opened_in_thread(thread, partial(_open, columns), path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        load = SqliteBulkLoad(connection, columns, catalogue, thread)
        try:
            yield load
            await load.finish(path)
        finally:
            await load.close()


def _open(columns: Columns, path: Path) -> sqlite3.Connection:
    connection = open_generation_file(path, busy_seconds=1)
    with closed_on_error(connection):
        for setting in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = OFF",
            "synchronous = OFF",
            f"cache_size = -{_CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {setting}")
        connection.execute(bulk_sql.make_batch(columns))
    return connection


def _next_revision(put: Put) -> int:
    return (put.revision or 0) + 1


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
