"""The catalogue of a read store's folder, for all processes: generations, rebuilds, pauses..."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from contracts.documents import DocumentType
from read_side.fields import encode_type
from read_side.port import Discard, Generation, ReadStoreError, UnknownGeneration
from read_side.sqlite.connections import (
    BUSY_SECONDS,
    check_version,
    connect,
    mark_version,
    opened_in_thread,
    sqlite_errors,
)
from read_side.sqlite.listing import Listed, Snapshot, read_snapshot

T = TypeVar("T")

_KIND = 0x6F6C7263
_VERSION = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS projections(
    name TEXT PRIMARY KEY,
    last_number INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS generations(
    projection TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at TEXT NOT NULL,
    document_type TEXT NOT NULL,
    PRIMARY KEY(projection, number)
);
CREATE UNIQUE INDEX IF NOT EXISTS one_active ON generations(projection) WHERE state = 'active';
CREATE TABLE IF NOT EXISTS discards(
    projection TEXT NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY(projection, stream, version)
);
CREATE TABLE IF NOT EXISTS rebuilds(
    projection TEXT NOT NULL,
    number INTEGER NOT NULL,
    phase TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    lease_until TEXT NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(projection, number)
);
"""
_FORGET_REBUILD = "DELETE FROM rebuilds WHERE projection = ? AND number = ?"


class Catalogue:
    """Reads on the event loop, from memory while nothing changed; writes in a thread."""

    def __init__(self, path: Path, reader: sqlite3.Connection, threads: Executor) -> None:
        """Read with this connection; use `open` to get one."""
        self.path = path
        self._reader = reader
        self._threads = threads
        self._writing = asyncio.Lock()
        self._seen = -1
        self._snapshot = Snapshot({}, {}, frozenset(), ())

    @classmethod
    async def open(cls, path: Path, threads: Executor) -> Self:
        """Open the catalogue of a folder, making it the first time."""
        return cls(path, await opened_in_thread(threads, _prepared, path), threads)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def current(self) -> Snapshot:
        """What the catalogue says now, changes of other processes included."""
        with sqlite_errors(self.path):
            (version,) = self._reader.execute("PRAGMA data_version").fetchone()
            if version != self._seen:
                self._snapshot = read_snapshot(self._reader)
                self._seen = version
        return self._snapshot

    def listed(self, generation: Generation) -> Listed:
        """What is known of a generation.

        Raises:
            UnknownGeneration: it does not exist (any more).
        """
        listed = self.current().generations.get((generation.projection, generation.number))
        if listed is None:
            raise unknown(generation)
        return listed

    async def create(
        self,
        kind: DocumentType,
        fingerprint: str,
        make_file: Callable[[int], None],
        also: Callable[[sqlite3.Connection, Generation], None] | None = None,
    ) -> Generation:
        """List a new generation once `make_file` has made the file of that number.

        `also` writes what belongs to it, in the same transaction.
        """

        def work(connection: sqlite3.Connection) -> Generation:
            connection.execute("INSERT OR IGNORE INTO projections(name) VALUES (?)", (kind.name,))
            (number,) = connection.execute(
                "UPDATE projections SET last_number = last_number + 1 WHERE name = ?"
                " RETURNING last_number",
                (kind.name,),
            ).fetchone()
            now = datetime.now(UTC)
            generation = Generation(kind.name, number, "building", fingerprint, now)
            make_file(number)
            connection.execute(
                "INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?)",
                (kind.name, number, "building", fingerprint, now.isoformat(), encode_type(kind)),
            )
            if also is not None:
                also(connection, generation)
            return generation

        return await self.write(work)

    async def activate(self, generation: Generation) -> None:
        """Make this the one active generation of its projection."""
        name, number = generation.projection, generation.number

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE generations SET state = 'retired'"
                " WHERE projection = ? AND state = 'active' AND number <> ?",
                (name, number),
            )
            changed = connection.execute(
                "UPDATE generations SET state = 'active' WHERE projection = ? AND number = ?",
                (name, number),
            )
            if changed.rowcount == 0:
                raise unknown(generation)
            connection.execute(_FORGET_REBUILD, (name, number))

        await self.write(work)

    async def remove(self, generation: Generation) -> None:
        """Take a generation that is not active off the list."""
        key = (generation.projection, generation.number)

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "SELECT state FROM generations WHERE projection = ? AND number = ?", key
            ).fetchone()
            if row == ("active",):
                raise ReadStoreError(
                    f"generation {generation.number} of {generation.projection} answers queries"
                )
            connection.execute("DELETE FROM generations WHERE projection = ? AND number = ?", key)
            connection.execute(_FORGET_REBUILD, key)

        await self.write(work)

    async def set_paused(self, projection: str, paused: bool) -> None:
        """Remember whether the projection shall stand still."""
        await self._execute(
            "INSERT INTO projections(name, paused) VALUES (?, ?)"
            " ON CONFLICT(name) DO UPDATE SET paused = excluded.paused",
            (projection, int(paused)),
        )

    async def add_discard(self, discard: Discard) -> None:
        """Remember a discard; of the same event the last reason counts."""
        await self._execute(
            "INSERT INTO discards VALUES (?, ?, ?, ?) ON CONFLICT(projection, stream, version)"
            " DO UPDATE SET reason = excluded.reason",
            (discard.projection, discard.stream, discard.version, discard.reason),
        )

    def discards(self, projection: str) -> Sequence[Discard]:
        """The discards of a projection by stream and version."""
        with sqlite_errors(self.path):
            rows = self._reader.execute(
                "SELECT projection, stream, version, reason FROM discards"
                " WHERE projection = ? ORDER BY stream, version",
                (projection,),
            ).fetchall()
        return [Discard(*row) for row in rows]

    async def _execute(self, sql: str, values: tuple[str | int, ...]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(sql, values)

        await self.write(work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in one transaction, on disk when this returns."""
        loop = asyncio.get_running_loop()
        async with self._writing:
            return await loop.run_in_executor(self._threads, _in_transaction, self.path, work)


def unknown(generation: Generation) -> UnknownGeneration:
    """What is raised for a generation that was dropped."""
    return UnknownGeneration(
        f"there is no generation {generation.number} of {generation.projection}"
    )


def _prepared(path: Path) -> sqlite3.Connection:
    with sqlite_errors(path):
        with closing(connect(path, create=True)) as connection:
            _switch_to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            check_version(connection, path, kind=_KIND, version=_VERSION)
            if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                mark_version(connection, kind=_KIND, version=_VERSION)
            connection.execute("COMMIT")
        return connect(path, busy_seconds=1)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switching needs the file alone and does not wait: another process may be doing the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _in_transaction(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    with sqlite_errors(path), closing(connect(path)) as connection:
        # Rare and never to be lost: what is active, what was given up.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        result = work(connection)
        connection.execute("COMMIT")
        return result
