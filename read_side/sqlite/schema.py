"""The file of one generation: its tables, and making it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from contracts.documents import FieldKind
from read_side.fields import Column, Columns
from read_side.port import ReadStoreError
from read_side.sqlite.connections import check_version, connect, mark_version, sqlite_errors
from read_side.sqlite.names import column_sql, list_table

_KIND = 0x6F6C7267
_VERSION = 1
_SQL_TYPES = {FieldKind.KEYWORD: "TEXT", FieldKind.DATE: "TEXT", FieldKind.LONG: "INTEGER"}


def make_generation_file(path: Path, columns: Columns) -> None:
    """Make an empty generation, in place of what a killed process may have left there."""
    remove_generation_file(path)
    with sqlite_errors(path), closing(connect(path, create=True)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _tables(columns):
            connection.execute(statement)
        mark_version(connection, kind=_KIND, version=_VERSION)
        connection.execute("COMMIT")


def remove_generation_file(path: Path) -> None:
    """Remove the file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def open_generation_file(path: Path, *, busy_seconds: float) -> sqlite3.Connection:
    """Connect to a generation's file.

    Raises:
        ReadStoreError: it is damaged, or written by a newer version.
    """
    with sqlite_errors(path):
        connection = connect(path, busy_seconds=busy_seconds)
        try:
            made = check_version(connection, path, kind=_KIND, version=_VERSION)
        except BaseException:
            connection.close()
            raise
    if not made:
        connection.close()
        raise ReadStoreError(f"{path} is empty; rebuild the projection")
    return connection


def make_indexes(path: Path, columns: Columns) -> None:
    """Make what queries need and writing does not; those that are there already stay.

    Sorting all rows once costs far less than keeping many trees in step while a generation is
    loaded, so this comes when it is about to answer queries.
    """
    with sqlite_errors(path), closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN IMMEDIATE")
        for statement in indexes(columns):
            connection.execute(statement)
        connection.execute("COMMIT")
        analyse(connection)
        # All of the indexes went through the log, and it would stay as long as they are.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def analyse(connection: sqlite3.Connection) -> None:
    """Let SQLite look at some rows, so that it knows which index leaves the fewest.

    An empty file is left alone: what is known of it would stay with connections for long.
    """
    if connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone():
        connection.execute("PRAGMA analysis_limit = 400")
        connection.execute("ANALYZE")


def _tables(columns: Columns) -> Iterator[str]:
    # Documents themselves lie apart, so that filters, counts and sums run over narrow rows.
    yield (
        "CREATE TABLE documents(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
        " revision INTEGER NOT NULL, streams TEXT NOT NULL, shown INTEGER NOT NULL"
        f"{_definitions(columns.top)})"
    )
    yield "CREATE TABLE bodies(id INTEGER PRIMARY KEY, document TEXT)"
    for number, (name, fields) in enumerate(columns.lists.items()):
        table = list_table(name)
        yield f"CREATE TABLE {table}(document INTEGER NOT NULL{_definitions(fields)})"
        yield f"CREATE INDEX nested_{number}_document ON {table}(document)"
    if columns.texts:
        texts = ", ".join(f"t{number}" for number in range(len(columns.texts)))
        yield (
            f"CREATE VIRTUAL TABLE words USING fts5({texts},"
            " tokenize = 'unicode61 remove_diacritics 2')"
        )
    yield (
        "CREATE TABLE checkpoints(source TEXT PRIMARY KEY, store TEXT NOT NULL,"
        " position TEXT NOT NULL)"
    )
    yield (
        "CREATE TABLE parked(stream TEXT PRIMARY KEY, subscriber TEXT NOT NULL,"
        " version INTEGER NOT NULL, event_id TEXT NOT NULL, error TEXT NOT NULL,"
        " parked_at TEXT NOT NULL, request TEXT, reason TEXT)"
    )


def indexes(columns: Columns) -> Iterator[str]:
    """Statements that make what queries need and writing does not."""
    for number, column in enumerate(columns.top):
        sort = columns.kind.sorted_by.get(column.name)
        sorting = [] if sort is None else [columns.column(sort)]
        names = ", ".join(column_sql(one) for one in (column, *sorting))
        yield f"CREATE INDEX IF NOT EXISTS documents_{number} ON documents({names}, key)"
    for position, (name, fields) in enumerate(columns.lists.items()):
        for number, column in enumerate(fields):
            if column.kind is FieldKind.KEYWORD:
                yield (
                    f"CREATE INDEX IF NOT EXISTS nested_{position}_{number}"
                    f" ON {list_table(name)}({column_sql(column)}, document)"
                )


def _definitions(columns: tuple[Column, ...]) -> str:
    return "".join(f", {column_sql(column)} {_SQL_TYPES[column.kind]}" for column in columns)
