"""Reading a file for those who check it: every row, also those that nothing of ours wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from event_store.inspection import Stored
from event_store.port import NO_VERSION, Position
from event_store.positions import position_of
from event_store.sqlite.reader import Reader
from event_store.sqlite.schema import MIGRATIONS
from event_store.sqlite.stored_event import event_of

_PAGE = 1000
_LAST_TIME = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""
_ID_BYTES = 16

_FORMS = {
    "id": "blob",
    "stream": "text",
    "version": "integer",
    "type": "text",
    "data": "blob",
    "metadata": "blob",
    "recorded_at": "integer",
    "category": "text",
}
"""The columns, and the only kind of value that the writer puts into each."""
_OURS = " ".join(_FORMS.values())


def _as_it_is(name: str, form: str) -> str:
    # A cast to BLOB never fails and changes neither texts nor blobs; a number is one or is not.
    if form == "integer":
        return f"iif(typeof({name}) = 'integer', {name}, NULL)"
    return f"CAST({name} AS BLOB)"


_FORM_OF_ROW = " || ' ' || ".join(f"typeof({name})" for name in _FORMS)
_COLUMNS = ", ".join(_as_it_is(name, form) for name, form in _FORMS.items())
# Where the table was replaced a position need not be a number.
_POSITION = "CAST(position AS INTEGER)"
_ROWS = f"SELECT {_FORM_OF_ROW}, {_POSITION}, {_COLUMNS} FROM events "  # noqa: S608 - all ours
_PAGE_FROM = _ROWS + "WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
_ONE = _ROWS + "WHERE position = ?"
_OF_STREAM = (
    f"SELECT {_POSITION} FROM events NOT INDEXED WHERE stream = ? AND position >= ? "  # noqa: S608
    "ORDER BY version, position"
)
_SCHEMA = "SELECT sql FROM sqlite_master WHERE lower(tbl_name) = 'events' OR type = 'trigger'"
_TABLE = sorted(one for one in MIGRATIONS[0] if " events" in one)
_COUNT = "SELECT count(*) FROM events WHERE position BETWEEN 1 AND ?"
_FIRST_EMPTY = (
    "SELECT coalesce(min(position), 0) + 1 FROM (SELECT 0 AS position UNION ALL "
    "SELECT position FROM events WHERE position > 0) AS one "
    "WHERE NOT EXISTS (SELECT 1 FROM events WHERE position = one.position + 1)"
)

Row = tuple[Any, ...]


class Inspection:
    """A `Walk` through the file: it goes by rows, whatever their positions and values are."""

    def __init__(self, reader: Reader) -> None:
        """Read with this."""
        self._reader = reader

    async def damage(self) -> Sequence[str]:
        """What makes the file's table of events show readers something else than its rows."""
        return await self._reader.run_in_thread(_damage)

    async def end(self) -> Position | None:
        """The highest position; None while there are no events."""
        last = await self._reader.run(_end_of, "max")
        return None if last is None else position_of(last)

    async def gap(self, end: Position) -> str | None:
        """The writer gives out all positions, each to an event."""
        return await self._reader.run_in_thread(_gap, int(end))

    async def everything(self, end: Position) -> AsyncGenerator[Sequence[Stored]]:
        """Pages of all events up to this position, from the lowest there is."""
        start, last = await self._reader.run(_end_of, "min"), int(end)
        while start is not None and start <= last:
            rows = await self._reader.run_in_thread(_page, start, last)
            if not rows:
                return
            yield [_stored(row) for row in rows]
            start = rows[-1][1] + 1

    async def stream(
        self, stream: str, since: Position | None = None
    ) -> AsyncGenerator[Sequence[Stored]]:
        """Pages of a stream's events in order of version, then position."""
        start = -(2**63) if since is None else int(since)
        positions = await self._reader.run_in_thread(_positions, stream, start)
        for at in range(0, len(positions), _PAGE):
            rows = await self._reader.run_in_thread(_rows, positions[at : at + _PAGE])
            yield [_stored(row) for row in rows]


def _damage(connection: sqlite3.Connection) -> list[str]:
    found: list[str] = []
    if sorted(str(row[0]) for row in connection.execute(_SCHEMA)) != _TABLE:
        found.append("the table of events or an index was replaced or altered, or has triggers")
    # Streams and categories are read by indexes: they must have the rows that the table has.
    told = [row[0] for row in connection.execute("PRAGMA integrity_check(events)")]
    return found + [line for line in told if line != "ok"]


def _gap(connection: sqlite3.Connection, end: int) -> str | None:
    empty = end - connection.execute(_COUNT, (end,)).fetchone()[0]
    if empty <= 0:
        return None
    first = connection.execute(_FIRST_EMPTY).fetchone()[0]
    empty_ones = "1 position is" if empty == 1 else f"{empty} positions are"
    return f"{empty_ones} empty, from {first} on: events were removed, or moved behind"


def _end_of(connection: sqlite3.Connection, which: str) -> int | None:
    query = f"SELECT CAST({which}(position) AS INTEGER) FROM events"  # noqa: S608
    return connection.execute(query).fetchone()[0]


def _page(connection: sqlite3.Connection, start: int, last: int) -> list[Row]:
    return connection.execute(_PAGE_FROM, (start, last, _PAGE)).fetchall()


def _positions(connection: sqlite3.Connection, stream: str, start: int) -> list[int]:
    return [row[0] for row in connection.execute(_OF_STREAM, (stream, start))]


def _rows(connection: sqlite3.Connection, positions: Sequence[int]) -> list[Row]:
    found = (connection.execute(_ONE, (position,)).fetchone() for position in positions)
    return [row for row in found if row is not None]


def _stored(row: Row) -> Stored:
    forms, position, id_, stream, version, type_, data, metadata, recorded_at, category = row
    if forms == _OURS and len(id_) == _ID_BYTES and version >= 0 <= recorded_at <= _LAST_TIME:
        try:
            name, kind = stream.decode(), type_.decode()
        except UnicodeDecodeError:
            return _malformed(row)
        event = event_of((id_, name, version, kind, data, metadata, position, recorded_at))
        return Stored(event, None, _misplaced(position, stream, category))
    return _malformed(row)


def _malformed(row: Row) -> Stored:
    """The event with what can be read of it."""
    forms, position, *values = row
    columns = dict(zip(_FORMS, values, strict=True))
    flaws = {
        name: flaw
        for name, form in zip(_FORMS, forms.split(" "), strict=True)
        if (flaw := _flaw(name, form, columns[name]))
    }
    event = event_of(
        (
            bytes(_ID_BYTES) if "id" in flaws else columns["id"],
            _text(columns["stream"]),
            NO_VERSION if flaws.keys() & {"stream", "version"} else columns["version"],
            _text(columns["type"]),
            columns["data"] or b"",
            columns["metadata"] or b"",
            position,
            0 if "recorded_at" in flaws else columns["recorded_at"],
        )
    )
    detail = f"no software of ours writes this: {', '.join(flaws.values())}" if flaws else None
    misplaced = _misplaced(position, columns["stream"] or b"", columns["category"])
    return Stored(event, detail, misplaced)


def _flaw(name: str, form: str, value: Any) -> str | None:
    """What is wrong with the value of a column, of a form that SQLite names."""
    if form != _FORMS[name]:
        return f"its {name} is stored as {form}"
    if form == "text" and not _is_text(value):
        return f"its {name} is not UTF-8"
    if name == "id" and len(value) != _ID_BYTES:
        return f"its id has {len(value)} bytes"
    if name == "version" and value < 0:
        return f"its version is {value}"
    if name == "recorded_at" and not 0 <= value <= _LAST_TIME:
        return "it was recorded at no time"
    return None


def _misplaced(position: int, stream: bytes, category: bytes | None) -> str | None:
    kind, separator, _ = stream.partition(b"-")
    if category != (kind if separator else b""):
        return f"read models find it under {_text(category)!r}, not where its stream belongs"
    if position < 1:
        return f"it stands at position {position}, in front of what read models begin with"
    return None


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")
