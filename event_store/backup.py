"""Backup of a live embedded event store, and restoring one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from event_store.errors import EventStoreCorrupt
from event_store.sqlite.failures import translated
from event_store.sqlite.schema import connect, renew_identity, schema_version

_PATIENCE = 10.0
_KEY = "key:"

Keys = Mapping[str, bytes]
"""By name: what hashes in the events were made with. Without them the events lose their sense."""


def backup(source: Path, target: Path, keys: Keys | None = None) -> None:
    """Copy the event store in `source`, also while it is written, to the new file `target`.

    The copy is one consistent state, checked and on disk when this returns. Until then there is
    no `target`. Blocks for as long as the disk needs. The keys are kept in the copy.

    Raises:
        FileExistsError: the target is there already; it is left alone.
        FileNotFoundError: there is no source, or no folder for the target.
        EventStoreCorrupt: the source is damaged or not an event store.
        EventStoreFull: no space for the copy.
    """
    _copy(source, target, lambda copy: _put_keys(copy, keys or {}))


def restore(source: Path, target: Path, keep: Callable[[Keys], None] | None = None) -> None:
    """Make the new file `target` from the backup in `source`, as a store of its own.

    The store's identity is renewed: positions, tokens and checkpoints of read models that were
    made with the lost store are not taken for those of this one. `keep` is given the keys of the
    backup, when nothing else can be refused and before there is a target.

    Raises:
        FileExistsError: the target is there already; it is left alone.
        FileNotFoundError: there is no backup, or no folder for the target.
        EventStoreCorrupt: the backup is damaged or not an event store.
        EventStoreFull: no space for the copy.
    """

    def change(copy: sqlite3.Connection) -> None:
        renew_identity(copy)
        keys = _take_keys(copy)
        if keep is not None:
            keep(keys)

    _copy(source, target, change)


def _copy(source: Path, target: Path, change: Callable[[sqlite3.Connection], None]) -> None:
    _refuse_existing(target)
    if not source.is_file():
        raise FileNotFoundError(f"there is no event store in {source}")
    temporary = target.with_name(f".{target.name}.{uuid4().hex}")
    temporary.touch(mode=0o600)
    try:
        _fill(source, temporary, change)
        _refuse_existing(target)
        temporary.rename(target)
        _sync(target.parent)
    except sqlite3.Error as error:
        raise translated(error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _fill(source: Path, copy: Path, change: Callable[[sqlite3.Connection], None]) -> None:
    with closing(connect(source, busy_timeout=_PATIENCE)) as original:
        _refuse_foreign(original, source)
        with closing(connect(copy)) as connection:
            # In one step: a copy in several begins anew whenever somebody writes in between.
            original.backup(connection)
            # One file, without a write-ahead log beside it.
            connection.execute("PRAGMA journal_mode = DELETE")
            _check(connection, source)
            change(connection)
    _sync(copy)


def _put_keys(copy: sqlite3.Connection, keys: Keys) -> None:
    rows = [(_KEY + name, key.hex()) for name, key in keys.items()]
    copy.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", rows)


def _take_keys(copy: sqlite3.Connection) -> Keys:
    ours = "FROM meta WHERE substr(key, 1, ?) = ?"
    rows = copy.execute(f"SELECT key, value {ours}", (len(_KEY), _KEY)).fetchall()
    copy.execute(f"DELETE {ours}", (len(_KEY), _KEY))
    return {name.removeprefix(_KEY): bytes.fromhex(value) for name, value in rows}


def _refuse_existing(target: Path) -> None:
    # SQLite would take a left-over log beside the new file for a part of it.
    for path in (target, *(target.with_name(target.name + end) for end in ("-wal", "-journal"))):
        if path.exists():
            raise FileExistsError(f"{path} exists already and is left as it is")


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN")
    version = schema_version(connection)
    connection.execute("COMMIT")
    if version == 0:
        raise EventStoreCorrupt(f"{path} is not an event store")


def _check(connection: sqlite3.Connection, source: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise EventStoreCorrupt(f"{source} is damaged: {found}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
