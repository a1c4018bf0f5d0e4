"""The file of the development server: its tables, and opening it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from event_store.dev_server.records import write
from event_store.dev_server.system_events import database_created
from event_store.errors import EventStoreCorrupt, EventStoreSchemaTooNew, EventStoreUnavailable
from event_store.sqlite.schema import connect
from event_store.sqlite.writer import Transaction

APPLICATION_ID = 0x6F6C6473
SCHEMA_VERSION = 1

_TABLES = (
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        revision INTEGER NOT NULL,
        id BLOB NOT NULL,
        type TEXT NOT NULL,
        is_json INTEGER NOT NULL,
        data BLOB NOT NULL,
        metadata BLOB NOT NULL,
        recorded_at INTEGER NOT NULL,
        category TEXT NOT NULL
    )""",
    "CREATE UNIQUE INDEX events_by_stream ON events (stream, revision)",
    "CREATE INDEX events_by_category ON events (category)",
    # Ids are no key: one may be in many streams, and several times in one.
    "CREATE INDEX events_by_id ON events (id)",
    """CREATE TABLE persistent_subscriptions (
        stream TEXT NOT NULL,
        name TEXT NOT NULL,
        options BLOB NOT NULL,
        PRIMARY KEY (stream, name)
    )""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file for the one process that writes it; create it when there is none.

    Raises:
        EventStoreCorrupt: the file is something else.
        EventStoreSchemaTooNew: it was made by newer software.
        EventStoreUnavailable: the file system is not fit for it.
        sqlite3.Error, OSError: it can't be read or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = connect(path)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    _check(connection)
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise EventStoreUnavailable("this file system can't keep a write-ahead log")
    # What was acknowledged survives a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    if not _number(connection, "SELECT count(*) FROM sqlite_master"):
        for statement in _TABLES:
            connection.execute(statement)
        _begin_log(Transaction(connection, time.time_ns() // 1000))
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection) -> None:
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    if not _number(connection, "SELECT count(*) FROM sqlite_master"):
        return
    if application != APPLICATION_ID:
        raise EventStoreCorrupt("the file is not one of the development server")
    if version > SCHEMA_VERSION:
        raise EventStoreSchemaTooNew(
            f"the file has schema version {version}, this software knows up to {SCHEMA_VERSION}"
        )


def _begin_log(transaction: Transaction) -> None:
    write(transaction, "$server", 0, [database_created()])


def _number(connection: sqlite3.Connection, query: str) -> int:
    return connection.execute(query).fetchone()[0]
