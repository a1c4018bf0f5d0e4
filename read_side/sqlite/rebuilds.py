"""Rebuilds as the catalogue lists them, and the one right to carry one out."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts.documents import DocumentType
from read_side.port import Generation
from read_side.rebuild_port import RebuildPhase, RebuildUnderWay
from read_side.sqlite.catalogue import Catalogue, unknown

_REPORT = (
    "INSERT INTO rebuilds(projection, number, phase, done, total, lease_until)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(projection, number) DO UPDATE SET"
    " phase = excluded.phase, done = excluded.done, total = excluded.total,"
    " lease_until = excluded.lease_until"
)


@asynccontextmanager
async def holding(path: Path, projection: str) -> AsyncGenerator[None]:
    """Hold the right that this file stands for; the system takes it back when a process dies.

    Raises:
        RebuildUnderWay: it is held already.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RebuildUnderWay(
                f"{projection} is being rebuilt or switched by another process"
            ) from None
        yield


async def begin(
    catalogue: Catalogue,
    kind: DocumentType,
    fingerprint: str,
    make_file: Callable[[int], None],
    total: int,
    lease_seconds: float,
) -> Generation:
    """List a new generation and its rebuild."""

    def report_too(connection: sqlite3.Connection, generation: Generation) -> None:
        connection.execute(_REPORT, _row(generation, "loading", 0, total, lease_seconds))

    return await catalogue.create(kind, fingerprint, make_file, report_too)


async def report(
    catalogue: Catalogue,
    generation: Generation,
    phase: RebuildPhase,
    done: int,
    total: int,
    lease_seconds: float,
) -> None:
    """Write down how far a rebuild has come."""

    def work(connection: sqlite3.Connection) -> None:
        found = connection.execute(
            "SELECT state FROM generations WHERE projection = ? AND number = ?", _key(generation)
        ).fetchone()
        if found is None:
            raise unknown(generation)
        if found == ("active",):
            return
        connection.execute(_REPORT, _row(generation, phase, done, total, lease_seconds))

    await catalogue.write(work)


async def acknowledge(catalogue: Catalogue, generation: Generation) -> None:
    """Write down that the owner writes to the generation."""
    await _execute(
        catalogue,
        "UPDATE rebuilds SET acknowledged = 1 WHERE projection = ? AND number = ?",
        generation,
    )


async def end(catalogue: Catalogue, generation: Generation) -> None:
    """Take the rebuild off the list."""
    await _execute(
        catalogue, "DELETE FROM rebuilds WHERE projection = ? AND number = ?", generation
    )


async def _execute(catalogue: Catalogue, sql: str, generation: Generation) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(sql, _key(generation))

    await catalogue.write(work)


def _key(generation: Generation) -> tuple[str, int]:
    return generation.projection, generation.number


def _row(
    generation: Generation, phase: RebuildPhase, done: int, total: int, lease_seconds: float
) -> tuple[str | int, ...]:
    until = datetime.now(UTC) + timedelta(seconds=lease_seconds)
    return (*_key(generation), phase, done, total, until.isoformat())
