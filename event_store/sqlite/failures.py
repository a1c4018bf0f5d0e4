"""SQLite's errors in the words of the event store."""

from __future__ import annotations

import sqlite3

from event_store.errors import (
    EventStoreCorrupt,
    EventStoreError,
    EventStoreFull,
    EventStoreReadOnly,
    EventStoreUnavailable,
)

_PRIMARY_CODE = 0xFF
_ERRORS: dict[int, tuple[type[EventStoreError], str]] = {
    sqlite3.SQLITE_BUSY: (EventStoreUnavailable, "is being written by another process"),
    sqlite3.SQLITE_PROTOCOL: (EventStoreUnavailable, "is being opened by another process"),
    sqlite3.SQLITE_LOCKED: (EventStoreUnavailable, "is locked"),
    sqlite3.SQLITE_FULL: (EventStoreFull, "has no space left"),
    sqlite3.SQLITE_READONLY: (EventStoreReadOnly, "can't be written"),
    sqlite3.SQLITE_PERM: (EventStoreReadOnly, "may not be written"),
    sqlite3.SQLITE_CORRUPT: (EventStoreCorrupt, "is damaged"),
    sqlite3.SQLITE_NOTADB: (EventStoreCorrupt, "is not an event store"),
}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds the file, so that trying again soon can succeed."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)


def is_io_error(error: sqlite3.Error) -> bool:
    """Whether the operating system failed to read or write."""
    return _code(error) == sqlite3.SQLITE_IOERR


def translated(error: sqlite3.Error) -> EventStoreError:
    """The event store's error that says what this one of SQLite means."""
    kind, meaning = _ERRORS.get(_code(error), (EventStoreUnavailable, "can't be used"))
    translation = kind(f"the event store's file {meaning}: {error}")
    translation.__cause__ = error
    return translation


def _code(error: sqlite3.Error) -> int:
    # Errors that Python raises by itself, such as the use of a closed connection, have no code.
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
