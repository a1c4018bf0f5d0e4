"""Searches, counts and sums over one generation; run in a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from read_side.cursors import Place, make_cursor, read_cursor
from read_side.fields import LIMITS, Column, Columns, Order
from read_side.port import Condition, Found, Search, SumRow
from read_side.sqlite.conditions import Sql, all_of
from read_side.sqlite.names import list_table, reference

_LOW_BITS = 32
_LOW_MASK = 2**_LOW_BITS - 1


def search(
    connection: sqlite3.Connection, columns: Columns, projection: str, wanted: Search
) -> Found:
    """One page of a search, from one state of the file."""
    if wanted.limit not in LIMITS:
        raise ValueError("a page has 1 to 10,000 documents")
    order = columns.order(wanted.sort)
    place = read_cursor(projection, wanted, order.column)
    where = all_of(wanted.conditions, columns)
    rows: list[Any] = []
    connection.execute("BEGIN")
    try:
        for part in _parts(order, place):
            if len(rows) <= wanted.limit:
                rows += _page_rows(connection, where, part, wanted.limit + 1 - len(rows))
    finally:
        connection.execute("ROLLBACK")
    page = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    cursor = make_cursor(projection, wanted, Place(page[-1][0], page[-1][1])) if more else None
    return Found([msgspec.json.decode(text) for _, _, text in page], cursor)


def count_by(
    connection: sqlite3.Connection, columns: Columns, field: str, conditions: Sequence[Condition]
) -> Mapping[str, int]:
    """How many documents there are for each value of a field."""
    group = columns.group(field)
    sql = _grouped(group, all_of(conditions, columns), group.nested)
    rows = _rows_at_once(connection, sql, 2)
    return dict(sorted(rows))


def sums(
    connection: sqlite3.Connection,
    columns: Columns,
    group_by: str,
    fields: Sequence[str],
    conditions: Sequence[Condition],
) -> Sequence[SumRow]:
    """Sums of fields for each value of another one."""
    group = columns.group(group_by)
    where = all_of(conditions, columns)
    by_list: dict[str | None, dict[str, Column]] = {group.nested: {}}
    for field in fields:
        column = columns.summed(group, field)
        by_list.setdefault(column.nested, {})[field] = column
    documents: dict[str, int] = {}
    found: dict[str, dict[str, int]] = {}
    connection.execute("BEGIN")
    try:
        # The first query is over what is grouped itself and finds all groups.
        for nested, summed in by_list.items():
            sql = _grouped(group, where, nested, list(summed.values()))
            for value, number, *halves in _rows_at_once(connection, sql, 2 + 2 * len(summed)):
                documents.setdefault(value, number)
                row = found.setdefault(value, dict.fromkeys(fields, 0))
                for field, high, low in zip(summed, halves[::2], halves[1::2], strict=True):
                    row[field] = (high << _LOW_BITS) + low
    finally:
        connection.execute("ROLLBACK")
    return [SumRow(value, documents[value], found[value]) for value in sorted(documents)]


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of documents in the wanted order: those with the sort field, or those without."""

    value: str
    where: Sql
    order: str


def _parts(order: Order, place: Place | None) -> list[_Part]:
    """What is left after the place, in order. Each part can be read straight from an index."""
    if order.column is None:
        return [_absent("1", order, place)]
    name = reference(order.column)
    parts = [_present(name, order, place), _absent(f"{name} IS NULL", order, place)]
    if order.descending:
        parts.reverse()
    in_first = place is None or (place.value is None) == order.descending
    return parts if in_first else parts[1:]


def _absent(where: str, order: Order, place: Place | None) -> _Part:
    by_key = f"d.key {_direction(order)}"
    if place is None or place.value is not None:
        return _Part("NULL", (where, []), by_key)
    return _Part("NULL", (f"{where} AND d.key {_after(order)} ?", [place.key]), by_key)


def _present(name: str, order: Order, place: Place | None) -> _Part:
    by_value = f"{name} {_direction(order)}, d.key {_direction(order)}"
    if place is None or place.value is None:
        return _Part(name, (f"{name} IS NOT NULL", []), by_value)
    return _Part(
        name, (f"({name}, d.key) {_after(order)} (?, ?)", [place.value, place.key]), by_value
    )


def _after(order: Order) -> str:
    return "<" if order.descending else ">"


def _direction(order: Order) -> str:
    return "DESC" if order.descending else "ASC"


def _page_rows(connection: sqlite3.Connection, where: Sql, part: _Part, limit: int) -> list[Any]:
    # Documents are fetched only for the page: sorting them all would move them all.
    sql = (
        "SELECT c0, c1, (SELECT document FROM bodies WHERE bodies.id = page.id) AS c2 FROM ("  # noqa: S608
        f"SELECT {part.value} AS c0, d.key AS c1, d.id AS id FROM documents d"
        f" WHERE d.shown AND {part.where[0]} AND ({where[0]})"
        f" ORDER BY {part.order} LIMIT ?) AS page"
    )
    return _rows_at_once(connection, (sql, [*part.where[1], *where[1], limit]), 3)


def _rows_at_once(connection: sqlite3.Connection, sql: Sql, width: int) -> list[Any]:
    """The rows of a query with columns c0, c1... as one value.

    Every row that a thread steps to costs it a turn at the interpreter's lock, which takes long
    while the event loop is busy.
    """
    names = ", ".join(f"c{number}" for number in range(width))
    text, values = sql
    (rows,) = connection.execute(
        f"SELECT json_group_array(json_array({names})) FROM ({text})",  # noqa: S608
        values,
    ).fetchone()
    return msgspec.json.decode(rows, type=list[Any])


def _grouped(group: Column, where: Sql, nested: str | None, summed: Sequence[Column] = ()) -> Sql:
    """Group, number of documents, and two halves of each sum, which alone can't overflow.

    Over the objects of a list that is not the group's, documents are not counted.
    """
    source, count = "documents d", "COUNT(*)"
    if nested is not None:
        source = f"{list_table(nested)} n JOIN documents d ON d.id = n.document"
        count = "0" if group.nested is None else "COUNT(DISTINCT d.id)"
    parts = [f"{reference(group)} AS c0", f"{count} AS c1"]
    for number, column in enumerate(summed):
        name = reference(column)
        parts.append(f"coalesce(SUM({name} >> {_LOW_BITS}), 0) AS c{2 * number + 2}")
        parts.append(f"coalesce(SUM({name} & {_LOW_MASK}), 0) AS c{2 * number + 3}")
    text, values = where
    return (
        f"SELECT {', '.join(parts)} FROM {source}"  # noqa: S608
        f" WHERE {reference(group)} IS NOT NULL AND ({text}) GROUP BY 1",
        values,
    )
