"""Queries for pages of a stream, and of the log of all events."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from event_store.dev_server.filters import Filter
from event_store.dev_server.records import COLUMNS, Record
from event_store.dev_server.stream_states import Readable

PAGE_LIMIT = 256
PAGE_BYTES = 1024 * 1024
_SCANNED = 20_000
"""How many events one query may look at: those of a category are found by an index."""

_SELECT = f"SELECT {COLUMNS} FROM events "  # noqa: S608
_STREAM = _SELECT + (
    "WHERE stream = ? AND revision BETWEEN ? AND ? AND recorded_at >= ? ORDER BY revision {} "
    "LIMIT ?"
)
_BETWEEN = "position > ? AND position < ? ORDER BY position {} LIMIT ?"
_CATEGORY = f"SELECT * FROM ({_SELECT}WHERE category = ? AND {_BETWEEN})"  # noqa: S608
_DIRECTIONS = {False: "ASC", True: "DESC"}


class Page(NamedTuple):
    """Events in the order they were asked for; `whole` when there were no more."""

    records: list[Record]
    whole: bool


class LogPage(NamedTuple):
    """Events of the log that are wanted, and the position of the last that was looked at."""

    records: list[Record]
    considered: int


def head(connection: sqlite3.Connection) -> int:
    """The position of the last event."""
    return connection.execute("SELECT max(position) FROM events").fetchone()[0] or 0


def stream_page(
    connection: sqlite3.Connection, stream: str, readable: Readable, backwards: bool, limit: int
) -> Page:
    """At most `limit` events of a stream out of these."""
    query = _STREAM.format(_DIRECTIONS[backwards])
    first, last, recorded_from = readable
    return _take(connection.execute(query, (stream, first, last, recorded_from, limit)), limit)


def log_page(
    connection: sqlite3.Connection,
    wanted: Filter | None,
    low: int,
    high: int,
    backwards: bool,
    limit: int,
) -> LogPage:
    """Look at events with positions between `low` and `high`, both excluded.

    At most `limit` events are returned. More can follow until `considered` is next to the end.
    """
    if wanted is not None and wanted.categories is not None:
        cursor = _of_categories(connection, wanted.categories, low, high, backwards, limit)
    else:
        if high - low > _SCANNED:
            low, high = (high - _SCANNED, high) if backwards else (low, low + _SCANNED)
        cursor = _of_all(connection, wanted, low, high, backwards, limit)
    records, whole = _take(cursor, limit)
    end = low + 1 if backwards else high - 1
    considered = end if whole else records[-1].position
    if wanted is not None:
        records = [record for record in records if wanted.accepts(record)]
    return LogPage(records, considered)


def record_at(connection: sqlite3.Connection, stream: str, revision: int) -> Record | None:
    """One event of a stream."""
    row = connection.execute(
        _SELECT + "WHERE stream = ? AND revision = ?", (stream, revision)
    ).fetchone()
    return Record._make(row) if row else None


def _of_categories(
    connection: sqlite3.Connection,
    categories: Sequence[str],
    low: int,
    high: int,
    backwards: bool,
    limit: int,
) -> sqlite3.Cursor:
    # One limited walk of the index a category, merged: the file's size does not matter.
    direction = _DIRECTIONS[backwards]
    walks = " UNION ALL ".join([_CATEGORY.format(direction)] * len(categories))
    query = f"{walks} ORDER BY position {direction} LIMIT ?" if len(categories) > 1 else walks
    values: list[Any] = [v for category in categories for v in (category, low, high, limit)]
    return connection.execute(query, (*values, limit) if len(categories) > 1 else values)


def _of_all(
    connection: sqlite3.Connection,
    wanted: Filter | None,
    low: int,
    high: int,
    backwards: bool,
    limit: int,
) -> sqlite3.Cursor:
    prefixes = wanted.prefixes if wanted is not None else None
    named = ""
    if wanted is not None and prefixes is not None:
        one = f"substr({wanted.column}, 1, ?) = ?"
        named = "(" + (" OR ".join([one] * len(prefixes)) or "FALSE") + ") AND "
    values = [value for prefix in prefixes or () for value in (len(prefix), prefix)]
    query = f"{_SELECT}WHERE {named}{_BETWEEN.format(_DIRECTIONS[backwards])}"
    return connection.execute(query, (*values, low, high, limit))


def _take(cursor: sqlite3.Cursor, limit: int) -> Page:
    records: list[Record] = []
    size = 0
    for row in cursor:
        record = Record._make(row)
        records.append(record)
        size += len(record.data) + len(record.metadata)
        if size >= PAGE_BYTES:
            cursor.close()
            return Page(records, whole=False)
    return Page(records, whole=len(records) < limit)
