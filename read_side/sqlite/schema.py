"""The file of one generation: its tables, and making it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from contracts.documents import FieldKind
from read_side.port import ReadStoreError
from read_side.sqlite.columns import Column, Columns, list_table
from read_side.sqlite.connections import check_version, connect, mark_version, sqlite_errors

_KIND = 0x6F6C7267
_VERSION = 1
_SQL_TYPES = {FieldKind.KEYWORD: "TEXT", FieldKind.DATE: "TEXT", FieldKind.LONG: "INTEGER"}


def make_generation_file(path: Path, columns: Columns) -> None:
    """Make an empty generation, in place of what a killed process may have left there."""
    remove_generation_file(path)
    with sqlite_errors(path), closing(connect(path, create=True)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _statements(columns):
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


def _statements(columns: Columns) -> Iterator[str]:
    # The document comes last, so that filters read no more of a row than the columns before.
    yield (
        "CREATE TABLE documents(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
        f" revision INTEGER NOT NULL, streams TEXT NOT NULL{_definitions(columns.top)},"
        " document TEXT)"
    )
    for number, column in enumerate(columns.top):
        yield f"CREATE INDEX documents_{number} ON documents({column.sql}, key)"
    for position, (name, fields) in enumerate(columns.lists.items()):
        table = list_table(name)
        yield f"CREATE TABLE {table}(document INTEGER NOT NULL{_definitions(fields)})"
        yield f"CREATE INDEX nested_{position}_document ON {table}(document)"
        for number, column in enumerate(fields):
            if column.kind is FieldKind.KEYWORD:
                yield (
                    f"CREATE INDEX nested_{position}_{number} ON {table}({column.sql}, document)"
                )
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


def _definitions(columns: tuple[Column, ...]) -> str:
    return "".join(f", {column.sql} {_SQL_TYPES[column.kind]}" for column in columns)
