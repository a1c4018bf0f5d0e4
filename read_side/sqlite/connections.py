"""Opening SQLite files of the read store, and what their errors mean to callers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path

from read_side.port import ReadStoreError, ReadStoreUnavailable

BUSY_SECONDS = 10.0
"""How long a write waits for another process before it gives up."""

_LOG_BYTES = 16_000_000
"""What a write-ahead log shrinks to when it begins anew."""
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


@contextmanager
def sqlite_errors(path: Path) -> Generator[None]:
    """Turn what SQLite raises into errors of the port that name the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error


def translated(error: sqlite3.Error, path: Path) -> ReadStoreError:
    """The port's error for one of SQLite."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(_PASSING):
        return ReadStoreUnavailable(f"{path} can't be used now: {error}")
    if name.startswith("SQLITE_READONLY"):
        return ReadStoreUnavailable(f"{path} can't be written: {error}")
    if name.startswith(_DAMAGED):
        return ReadStoreError(
            f"{path} is damaged ({error}); read models can be rebuilt from the events"
        )
    return ReadStoreError(f"{path}: {error}")


def connect(
    path: Path, *, create: bool = False, busy_seconds: float = BUSY_SECONDS
) -> sqlite3.Connection:
    """Open a file in autocommit mode, ready for several processes; made only on demand."""
    mode = "rwc" if create else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    with closed_on_error(connection):
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    return connection


async def opened_in_thread(
    threads: Executor, open_file: Callable[[Path], sqlite3.Connection], path: Path
) -> sqlite3.Connection:
    """Open in a thread. A caller that is cancelled meanwhile leaves nothing open."""
    opening = threads.submit(open_file, path)
    try:
        return await asyncio.wrap_future(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """Prepare a new connection; one that can't be prepared is closed."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def check_version(connection: sqlite3.Connection, path: Path, *, kind: int, version: int) -> bool:
    """Whether the file has this kind's tables already; False for an empty file.

    Raises:
        ReadStoreError: something else than this kind of file, or of a newer version.
    """
    (found_kind,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0 and found_kind == 0:
        return False
    if found_kind != kind:
        raise ReadStoreError(f"{path} is not a file of the read store")
    if found > version:
        raise ReadStoreError(
            f"{path} was written by a newer version of this program (schema {found}, "
            f"this one knows {version})"
        )
    return True


def mark_version(connection: sqlite3.Connection, *, kind: int, version: int) -> None:
    """Write into the file what kind it is, and the version of its tables."""
    connection.execute(f"PRAGMA application_id = {kind}")
    connection.execute(f"PRAGMA user_version = {version}")


def _close_unwanted(opening: Future[sqlite3.Connection]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
