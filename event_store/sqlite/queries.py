"""Reading events: the SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

from event_store.errors import InvalidPosition
from event_store.port import NO_VERSION, Page, Position, RecordedEvent
from event_store.positions import number_of, position_of
from event_store.sqlite.stored_event import COLUMNS, event_of

_STREAM = (
    f"SELECT {COLUMNS} FROM events WHERE stream = ? AND version BETWEEN ? AND ? "  # noqa: S608
    "ORDER BY version {direction} LIMIT ?"
)
_FORWARDS = _STREAM.format(direction="ASC")
_BACKWARDS = _STREAM.format(direction="DESC")
_ALL = (
    f"SELECT {COLUMNS} FROM events WHERE position > ? AND position <= ? "  # noqa: S608
    "ORDER BY position LIMIT ?"
)
# One limited walk of the index a category, merged: the file's size does not matter.
_OF_CATEGORY = (
    f"SELECT {COLUMNS} FROM events WHERE category = ? "  # noqa: S608
    "AND position > ? AND position <= ? ORDER BY position LIMIT ?"
)
_ONE_CATEGORY = f"SELECT * FROM ({_OF_CATEGORY})"  # noqa: S608


def head(connection: sqlite3.Connection) -> int:
    """The number of the last event; 0 when there is none."""
    return connection.execute("SELECT max(position) FROM events").fetchone()[0] or 0


def count(connection: sqlite3.Connection, categories: Collection[str]) -> int:
    """How many events there are in these categories."""
    one = "SELECT count(*) FROM events WHERE category = ?"
    return sum(connection.execute(one, (name,)).fetchone()[0] for name in set(categories))


def stream_version(connection: sqlite3.Connection, stream: str) -> int:
    """The version of the last event of a stream."""
    query = "SELECT max(version) FROM events WHERE stream = ?"
    version = connection.execute(query, (stream,)).fetchone()[0]
    return NO_VERSION if version is None else version


def read_stream(
    connection: sqlite3.Connection,
    stream: str,
    first: int,
    last: int,
    backwards: bool,
    limit: int,
) -> list[RecordedEvent]:
    """At most `limit` events of a stream (-1: all), versions `first` to `last` inclusive."""
    query = _BACKWARDS if backwards else _FORWARDS
    rows = connection.execute(query, (stream, first, last, limit))
    return [event_of(row) for row in rows]


def read_page(
    connection: sqlite3.Connection,
    after: Position | None,
    categories: Collection[str] | None,
    limit: int,
) -> Page:
    """At most `limit` events after a position.

    Events are never changed and become visible in order, so what lies up to a head read before
    is one consistent state, also without a transaction around both queries.
    """
    start, end = number_of(after), head(connection)
    if start > end:
        raise InvalidPosition(f"{after!r} lies beyond the last event of this store")
    rows = _rows_between(connection, start, end, categories, limit + 1)
    events = [event_of(row) for row in rows[:limit]]
    if len(rows) > limit:
        return Page(events, events[-1].position, at_end=False)
    return Page(events, position_of(end), at_end=True)


def _rows_between(
    connection: sqlite3.Connection,
    start: int,
    end: int,
    categories: Collection[str] | None,
    limit: int,
) -> list[Any]:
    if categories is None:
        return connection.execute(_ALL, (start, end, limit)).fetchall()
    names = sorted(set(categories))
    if not names:
        return []
    if len(names) == 1:  # One walk is in order: nothing is copied to be sorted.
        return connection.execute(_OF_CATEGORY, (names[0], start, end, limit)).fetchall()
    query = " UNION ALL ".join([_ONE_CATEGORY] * len(names)) + " ORDER BY position LIMIT ?"
    values = [value for name in names for value in (name, start, end, limit)]
    return connection.execute(query, (*values, limit)).fetchall()
