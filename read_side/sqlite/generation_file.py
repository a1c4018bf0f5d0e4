"""An open generation: short reads and all writes on the event loop, searches in threads.

Threads pay for every step of a statement with a turn at the interpreter's lock, so what is short
or can be cut into short pieces stays on the loop. Nothing there waits for another process: a write
that finds the file locked tries again a little later.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from read_side.fields import Columns, encodable
from read_side.port import (
    Document,
    DocumentRefused,
    Put,
    ReadStoreUnavailable,
    Stored,
    WriteConflict,
)
from read_side.rebuild_port import Scanned
from read_side.sqlite.connections import BUSY_SECONDS, opened_in_thread, sqlite_errors
from read_side.sqlite.generation_connections import copy_log, copy_log_end, open_reader, open_writer
from read_side.sqlite.schema import make_indexes
from read_side.sqlite.writing import CHUNK, DocumentWriter, chunks, placeholders

T = TypeVar("T")

_CHECKPOINT_BYTES = 400_000
"""Bytes of documents after which the log is copied into the file. Few: commits wait for it."""
_RETRY_SECONDS = 0.002


class GenerationFile:
    """The documents of one generation."""

    def __init__(
        self, path: Path, columns: Columns, reader: sqlite3.Connection, threads: Executor
    ) -> None:
        """Read with this connection; use `open` to get one."""
        self.path = path
        self.columns = columns
        self._reader = reader
        self._threads = threads
        self._writer: sqlite3.Connection | None = None
        self._writing = asyncio.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._written = asyncio.Event()
        self._not_copied = 0
        self._copying: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path, columns: Columns, threads: Executor) -> Self:
        """Open the file of a generation.

        Raises:
            ReadStoreError: it is damaged, or written by a newer version.
        """
        reader = await opened_in_thread(threads, open_reader, path)
        return cls(path, columns, reader, threads)

    async def close(self) -> None:
        """Finish the write under way and let go of the file."""
        async with self._writing:
            self._closed = True
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._close_connections)
        self._tell_waiting()
        if self._copying is not None:
            await self._copying

    # ------------------------------------------------------------ reading

    def get(self, key: str) -> Document | None:
        """One document."""
        if not encodable(key):
            return None
        with sqlite_errors(self.path):
            row = self._reader.execute(
                "SELECT document FROM documents JOIN bodies USING (id) WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None or row[0] is None else msgspec.json.decode(row[0])

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, Document]:
        """Those documents that exist, in the order of the keys."""
        rows = await self._rows("key, document", keys)
        found = {key: text for key, text in rows if text is not None}
        return {key: msgspec.json.decode(found[key]) for key in keys if key in found}

    async def load(self, keys: Sequence[str]) -> Mapping[str, Stored]:
        """Those documents that exist, as projectors need them."""
        rows = await self._rows("key, document, streams, revision", keys)
        return {
            key: Stored(
                None if text is None else msgspec.json.decode(text),
                msgspec.json.decode(streams, type=dict[str, int]),
                revision,
            )
            for key, text, streams, revision in rows
        }

    async def scan(self, after: str | None, limit: int) -> Sequence[Scanned]:
        """A run of documents in the order of their keys, read in a thread."""
        sql = "SELECT key, streams, document FROM documents JOIN bodies USING (id)"
        beyond, values = ("", (limit,)) if after is None else (" WHERE key > ?", (after, limit))
        sql = f"{sql}{beyond} ORDER BY key LIMIT ?"
        rows = await self.in_thread(lambda connection: connection.execute(sql, values).fetchall())
        return [Scanned(key, msgspec.json.decode(text), document) for key, text, document in rows]

    def read(self, sql: str, values: Sequence[str | int] = ()) -> list[Any]:
        """The rows of a short query."""
        with sqlite_errors(self.path):
            return self._reader.execute(sql, values).fetchall()

    async def in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of long reading, with a connection of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._work_on_idle, work)

    # ------------------------------------------------------------ writing

    async def put(self, connection: sqlite3.Connection, puts: Sequence[Put]) -> None:
        """Write documents within a transaction.

        Raises:
            WriteConflict: a document is at another revision.
            DocumentRefused: a document can't be stored as it is.
        """
        if len({put.key for put in puts}) != len(puts):
            raise ValueError("a key stands twice in one batch")
        for put in puts:
            if not encodable(put.key):
                raise DocumentRefused(put.key, "its key is no text")
        writer = DocumentWriter(connection, self.columns)
        known = await self._check(writer, puts)
        await self._put(writer, puts, known)

    async def prepare_for_queries(self) -> None:
        """Make the indexes that searches use, unless they are there."""
        async with self._writing:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, make_indexes, self.path, self.columns)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[sqlite3.Connection]:
        """Hold the file for writing; an error or a cancelled caller leaves it as it was."""
        if self._copying is not None and self._not_copied >= _CHECKPOINT_BYTES:
            await asyncio.shield(self._copying)  # Or the log would grow as long as many write.
        async with self._writing:
            with sqlite_errors(self.path):
                connection = await self._begun()
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            self._tell_waiting()
            self._copy_if_much()

    def data_version(self) -> int:
        """Changes whenever anyone has written to the file."""
        with sqlite_errors(self.path):
            return self._reader.execute("PRAGMA data_version").fetchone()[0]

    async def written_within(self, seconds: float) -> None:
        """Return when this process has written, or after that time."""
        written = self._written
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await written.wait()

    # ----------------------------------------------------------- in detail

    async def _rows(self, names: str, keys: Sequence[str]) -> list[Any]:
        sql = f"SELECT {names} FROM documents JOIN bodies USING (id) WHERE key IN "  # noqa: S608
        rows: list[Any] = []
        for run in chunks([key for key in keys if encodable(key)]):
            if rows:
                await asyncio.sleep(0)
            rows += self.read(f"{sql}({placeholders(len(run))})", run)
        return rows

    async def _check(
        self, writer: DocumentWriter, puts: Sequence[Put]
    ) -> Mapping[str, tuple[int, int]]:
        """Id and revision of what exists, when all revisions are as expected."""
        known: dict[str, tuple[int, int]] = {}
        for run in chunks(puts):
            known.update(writer.find([put.key for put in run]))
            await _let_others(run)
        conflicts = [
            put.key
            for put in puts
            if put.revision != (known[put.key][1] if put.key in known else None)
        ]
        if conflicts:
            raise WriteConflict(conflicts)
        return known

    async def _put(
        self, writer: DocumentWriter, puts: Sequence[Put], known: Mapping[str, tuple[int, int]]
    ) -> None:
        next_id = writer.last_id() + 1
        for run in chunks(puts):
            new = [put for put in run if put.key not in known]
            old = [(known[put.key][0], put) for put in run if put.key in known]
            if new:
                self._not_copied += writer.insert(new, next_id)
                next_id += len(new)
            if old:
                self._not_copied += writer.update(old)
            await _let_others(run)

    async def _begun(self) -> sqlite3.Connection:
        if self._closed:
            raise ReadStoreUnavailable("the read store is closed")
        writer = self._writer
        if writer is None:
            writer = await opened_in_thread(self._threads, open_writer, self.path)
            self._writer = writer
        await _begin(writer)
        return writer

    def _tell_waiting(self) -> None:
        written, self._written = self._written, asyncio.Event()
        written.set()

    def _copy_if_much(self) -> None:
        if self._not_copied >= _CHECKPOINT_BYTES and self._copying is None:
            self._not_copied = 0
            self._copying = asyncio.create_task(self._copy())

    async def _copy(self) -> None:
        """Copy the log; then, with nobody writing, what came meanwhile: so the log begins anew."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, copy_log, self.path)
        async with self._writing:
            if not self._closed:
                await loop.run_in_executor(self._threads, copy_log_end, self.path)
        self._copying = None

    def _work_on_idle(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with sqlite_errors(self.path):
            connection = self._take_idle() or open_reader(self.path)
            try:
                return work(connection)
            finally:
                self._give_back(connection)

    def _take_idle(self) -> sqlite3.Connection | None:
        with self._idle_lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._idle_lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _close_connections(self) -> None:
        with self._idle_lock:  # closed by now: what is given back later closes itself
            idle, self._idle = self._idle, []
        writers = [] if self._writer is None else [self._writer]
        for connection in (self._reader, *idle, *writers):
            connection.close()


async def _begin(connection: sqlite3.Connection) -> None:
    """Begin to write as soon as no other process does."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def _let_others(run: Sequence[Put]) -> None:
    if len(run) == CHUNK:
        await asyncio.sleep(0)
