"""The file of the embedded event store: its tables, their versions, and opening it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from uuid import uuid4

from event_store.errors import EventStoreCorrupt, EventStoreSchemaTooNew, EventStoreUnavailable
from event_store.sqlite.failures import is_busy

APPLICATION_ID = 0x6F6C6576

_VERSION_1 = (
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        category TEXT NOT NULL,
        id BLOB NOT NULL,
        type TEXT NOT NULL,
        data BLOB NOT NULL,
        metadata BLOB NOT NULL,
        recorded_at INTEGER NOT NULL
    )""",
    "CREATE UNIQUE INDEX events_by_stream ON events (stream, version)",
    "CREATE INDEX events_by_category ON events (category)",
    """CREATE TABLE snapshots (
        stream TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        state BLOB NOT NULL
    )""",
    "CREATE TABLE checkpoints (subscriber TEXT PRIMARY KEY, position INTEGER NOT NULL)",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
)
_VERSION_2 = (
    """CREATE TABLE parked (
        subscriber TEXT NOT NULL,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        event_id BLOB NOT NULL,
        error TEXT NOT NULL,
        parked_at INTEGER NOT NULL,
        request TEXT,
        reason TEXT,
        PRIMARY KEY (subscriber, stream)
    )""",
)
_VERSION_3 = ("ALTER TABLE snapshots ADD COLUMN hash TEXT NOT NULL DEFAULT ''",)
MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3)
"""Statements that lift a file from the schema version of their index to the next."""

SCHEMA_VERSION = len(MIGRATIONS)

_BUSY_WAIT = 0.01


def connect(path: Path, *, mode: str = "rw", busy_timeout: float = 0.0) -> sqlite3.Connection:
    """Open the file without creating it; `busy_timeout` (seconds) blocks the calling thread."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    # Damaged pages are noticed instead of followed.
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def open_for_writing(path: Path, patience: float) -> sqlite3.Connection:
    """Open the file, create it when there is none, bring it to this version's schema.

    Blocks for at most `patience` seconds while other processes hold the file.

    Raises:
        EventStoreCorrupt: the file is damaged or something else.
        EventStoreSchemaTooNew: it was made by newer software.
        sqlite3.Error, OSError: it can't be read or written.
    """
    path.touch(mode=0o600)
    deadline = time.monotonic() + patience
    while True:
        # SQLite's own busy timeout does not cover all of this.
        connection = connect(path)
        try:
            _prepare(connection)
        except BaseException as error:
            connection.close()
            busy = isinstance(error, sqlite3.Error) and is_busy(error)
            if not busy or time.monotonic() > deadline:
                raise
        else:
            return connection
        time.sleep(_BUSY_WAIT)


def schema_version(connection: sqlite3.Connection) -> int:
    """The schema version of the file; 0 when it is empty. Call it within a transaction.

    Raises:
        EventStoreCorrupt: the file is something else.
        EventStoreSchemaTooNew: it was made by newer software.
    """
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    if application == version == 0 and not _number(
        connection, "SELECT count(*) FROM sqlite_master"
    ):
        return 0
    if application != APPLICATION_ID or version < 1:
        raise EventStoreCorrupt("the file is not an event store")
    if version > SCHEMA_VERSION:
        raise EventStoreSchemaTooNew(
            f"the file has schema version {version}, this software knows up to {SCHEMA_VERSION}"
        )
    return version


def renew_identity(connection: sqlite3.Connection) -> None:
    """Give the store an identity that no other has."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('identity', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(uuid4()),),
    )


def _prepare(connection: sqlite3.Connection) -> None:
    # A foreign file is found out before anything is changed, be it the kind of its journal.
    connection.execute("BEGIN")
    schema_version(connection)
    connection.execute("COMMIT")
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise EventStoreUnavailable("this file system can't keep a write-ahead log")
    # What was acknowledged survives a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    _migrate(connection)
    # Written even when nothing changed: a file that can't be written is found out here.
    connection.execute("UPDATE meta SET value = value WHERE key = 'identity'")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> None:
    version = schema_version(connection)
    if version == SCHEMA_VERSION:
        return
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    if version == 0:
        renew_identity(connection)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _number(connection: sqlite3.Connection, query: str) -> int:
    return connection.execute(query).fetchone()[0]
