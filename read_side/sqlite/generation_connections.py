"""Connections to the file of a generation."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from read_side.port import ReadStoreError
from read_side.sqlite.connections import closed_on_error
from read_side.sqlite.schema import analyse, open_generation_file

_WRITER_CACHE_KIB = 16_384


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = open_generation_file(path, busy_seconds=1)
    with closed_on_error(connection):
        connection.execute("PRAGMA query_only = ON")
    return connection


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that writes and waits for nobody."""
    connection = open_generation_file(path, busy_seconds=0)
    with closed_on_error(connection):
        # Copying the log into the file syncs the disk: not on the event loop.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
    return connection


def copy_log(path: Path) -> None:
    """Copy the log into the file; what another process prevents now is done next time."""
    with suppress(sqlite3.Error, ReadStoreError), closing(open_writer(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def copy_log_end(path: Path) -> None:
    """Copy what came since `copy_log`, while nobody writes: then the log begins anew."""
    with suppress(sqlite3.Error, ReadStoreError), closing(open_writer(path)) as connection:
        analyse(connection)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
