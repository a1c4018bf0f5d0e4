"""How far a generation has come: its checkpoints and parked streams."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.parked import ParkedRequest, ParkedStream
from read_side.port import Checkpoint, WriteBatch
from read_side.sqlite.generation_file import GenerationFile


def read_checkpoints(file: GenerationFile) -> Mapping[str, Checkpoint]:
    """The checkpoints by source."""
    rows = file.read("SELECT source, store, position FROM checkpoints")
    return {row[0]: Checkpoint(*row) for row in rows}


def read_parked(read: Callable[[str], list[Any]]) -> Sequence[ParkedStream]:
    """The parked streams, oldest first; `read` gives the rows of a query."""
    rows = read(
        "SELECT subscriber, stream, version, event_id, error, parked_at, request, reason"
        " FROM parked ORDER BY parked_at, stream"
    )
    return [
        ParkedStream(
            subscriber,
            stream,
            version,
            UUID(event_id),
            error,
            datetime.fromisoformat(parked_at),
            wanted,
            reason,
        )
        for subscriber, stream, version, event_id, error, parked_at, wanted, reason in rows
    ]


async def request(
    file: GenerationFile, stream: str, wanted: ParkedRequest, reason: str | None
) -> bool:
    """Note what an operator asks for; False when the stream is not parked."""
    async with file.transaction() as connection:
        changed = connection.execute(
            "UPDATE parked SET request = ?, reason = ? WHERE stream = ?",
            (wanted, reason, stream),
        )
    return changed.rowcount > 0


def write_states(connection: sqlite3.Connection, batch: WriteBatch) -> None:
    """Write a batch's checkpoints, and what it parks or lets flow again."""
    connection.executemany(
        "DELETE FROM parked WHERE stream = ?", [(stream,) for stream in batch.unpark]
    )
    connection.executemany(
        "INSERT OR REPLACE INTO parked VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [_row(parked) for parked in batch.park],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)",
        [(at.source, at.store, at.position) for at in batch.checkpoints],
    )


def _row(parked: ParkedStream) -> tuple[str | int | None, ...]:
    return (
        parked.stream,
        parked.subscriber,
        parked.version,
        str(parked.event_id),
        parked.error,
        parked.parked_at.astimezone(UTC).isoformat(timespec="microseconds"),
        parked.request,
        parked.reason,
    )
