"""What a write does inside its transaction: documents with all that they are found by."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from read_side.fields import Columns, Indexed
from read_side.port import DocumentRefused, Put
from read_side.sqlite.names import column_sql, list_table

CHUNK = 100
"""How many documents are read or written before others get a turn on the event loop."""


def chunks(items: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """The items in runs of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def placeholders(count: int) -> str:
    """As many `?` as there are values."""
    return ", ".join("?" * count)


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    put: Put
    document: str | None
    indexed: Indexed


class DocumentWriter:
    """Writes documents of one type through a connection that is in a transaction."""

    def __init__(self, connection: sqlite3.Connection, columns: Columns) -> None:
        """Prepare the statements for this document type."""
        self._connection = connection
        self._columns = columns
        self._lists = list(columns.lists)
        fields = [column_sql(column) for column in columns.top]
        names = ["revision", "streams", "shown", *fields]
        self._insert = (
            f"INSERT INTO documents(id, key, {', '.join(names)})"  # noqa: S608
            f" VALUES ({placeholders(len(names) + 2)})"
        )
        self._update = (
            f"UPDATE documents SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?"  # noqa: S608
        )

    def last_id(self) -> int:
        """The highest id in use."""
        return self._connection.execute("SELECT coalesce(max(id), 0) FROM documents").fetchone()[0]

    def find(self, keys: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Id and revision of those that exist, by key."""
        rows = self._connection.execute(
            f"SELECT key, id, revision FROM documents WHERE key IN ({placeholders(len(keys))})",  # noqa: S608
            keys,
        )
        return {key: (id_, revision) for key, id_, revision in rows}

    def insert(self, puts: Sequence[Put], first_id: int) -> int:
        """Write new documents with ids from `first_id`; gives the bytes of their JSON."""
        rows = [self._row(first_id + number, put) for number, put in enumerate(puts)]
        self._connection.executemany(
            self._insert, [(row.id, row.put.key, *_values(row, 1)) for row in rows]
        )
        self._connection.executemany(
            "INSERT INTO bodies(id, document) VALUES (?, ?)",
            [(row.id, row.document) for row in rows],
        )
        self._insert_nested(rows, range(len(self._lists)))
        self._insert_words(rows)
        return _size(rows)

    def update(self, puts: Sequence[tuple[int, Put]]) -> int:
        """Write over documents, given with their ids; gives the bytes of their JSON."""
        rows = [self._row(id_, put) for id_, put in puts]
        before = self._indexed_before(rows)
        self._connection.executemany(
            self._update, [(*_values(row, (row.put.revision or 0) + 1), row.id) for row in rows]
        )
        self._connection.executemany(
            "UPDATE bodies SET document = ? WHERE id = ?",
            [(row.document, row.id) for row in rows],
        )
        for position, name in enumerate(self._lists):
            changed = [
                row
                for row in rows
                if row.indexed.nested[position] != before[row.id].nested[position]
            ]
            self._delete(list_table(name), "document", changed)
            self._insert_nested(changed, (position,))
        changed = [row for row in rows if row.indexed.texts != before[row.id].texts]
        self._delete("words", "rowid", changed)
        self._insert_words(changed)
        return _size(rows)

    def _row(self, id_: int, put: Put) -> _Row:
        indexed = self._columns.index(put.key, put.document)
        if put.document is None:
            return _Row(id_, put, None, indexed)
        try:
            return _Row(id_, put, msgspec.json.encode(put.document).decode(), indexed)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise DocumentRefused(put.key, str(error)) from error

    def _indexed_before(self, rows: Sequence[_Row]) -> Mapping[int, Indexed]:
        """Lists and texts as they were: most changes leave them alone, and they cost the most."""
        found = self._connection.execute(
            "SELECT id, key, document FROM documents JOIN bodies USING (id)"  # noqa: S608
            f" WHERE id IN ({placeholders(len(rows))})",
            [row.id for row in rows],
        )
        return {
            id_: self._columns.index(key, None if text is None else msgspec.json.decode(text))
            for id_, key, text in found
        }

    def _insert_nested(self, rows: Sequence[_Row], positions: Iterable[int]) -> None:
        for position in positions:
            name = self._lists[position]
            values = [(row.id, *item) for row in rows for item in row.indexed.nested[position]]
            if values:
                count = len(self._columns.lists[name]) + 1
                self._connection.executemany(
                    f"INSERT INTO {list_table(name)} VALUES ({placeholders(count)})",  # noqa: S608
                    values,
                )

    def _insert_words(self, rows: Sequence[_Row]) -> None:
        values = [(row.id, *row.indexed.texts) for row in rows if any(row.indexed.texts)]
        if values:
            names = ", ".join(f"t{number}" for number in range(len(self._columns.texts)))
            self._connection.executemany(
                f"INSERT INTO words(rowid, {names}) VALUES ({placeholders(len(values[0]))})",  # noqa: S608
                values,
            )

    def _delete(self, table: str, column: str, rows: Sequence[_Row]) -> None:
        if rows:
            self._connection.executemany(
                f"DELETE FROM {table} WHERE {column} = ?",  # noqa: S608
                [(row.id,) for row in rows],
            )


def _values(row: _Row, revision: int) -> tuple[str | int | None, ...]:
    streams = msgspec.json.encode(row.put.streams).decode()
    shown = row.document is not None
    return (revision, streams, shown, *row.indexed.values)


def _size(rows: Sequence[_Row]) -> int:
    return sum(len(row.document or "") for row in rows)
