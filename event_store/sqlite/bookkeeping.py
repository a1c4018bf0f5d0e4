"""What is kept beside the events: snapshots, checkpoints and parked streams."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.parked import ParkedRequest, ParkedStream
from event_store.errors import EventStoreCorrupt
from event_store.port import Position, Snapshot
from event_store.positions import number_of, position_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PARKED = (
    "SELECT subscriber, stream, version, event_id, error, parked_at, request, reason FROM parked"
)


def microseconds_of(moment: datetime) -> int:
    """The time in the form that all tables have it in: since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def identity(connection: sqlite3.Connection) -> str:
    """The identity of the store in this file.

    Raises:
        EventStoreCorrupt: it has none.
    """
    found = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    if found is None:
        raise EventStoreCorrupt("the event store's file has lost its identity")
    return found[0]


def prove_writable(connection: sqlite3.Connection, now: int) -> None:
    """Write something small that nobody reads."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('checked_at', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(now),),
    )


def load_snapshot(connection: sqlite3.Connection, stream: str) -> Snapshot | None:
    """The snapshot of a stream."""
    query = "SELECT version, fingerprint, state, hash FROM snapshots WHERE stream = ?"
    row = connection.execute(query, (stream,)).fetchone()
    return Snapshot(stream, *row) if row else None


def save_snapshot(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Keep the snapshot unless a newer one is there."""
    connection.execute(
        "INSERT INTO snapshots (stream, version, fingerprint, state, hash) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (stream) DO UPDATE SET version = excluded.version, "
        "fingerprint = excluded.fingerprint, state = excluded.state, hash = excluded.hash "
        "WHERE excluded.version >= snapshots.version",
        (
            snapshot.stream,
            snapshot.version,
            snapshot.fingerprint,
            snapshot.state,
            snapshot.hash,
        ),
    )


def load_checkpoint(connection: sqlite3.Connection, subscriber: str) -> Position | None:
    """The checkpoint of a subscriber."""
    query = "SELECT position FROM checkpoints WHERE subscriber = ?"
    row = connection.execute(query, (subscriber,)).fetchone()
    return position_of(row[0]) if row else None


def save_checkpoint(connection: sqlite3.Connection, subscriber: str, position: Position) -> None:
    """Keep the checkpoint of a subscriber."""
    connection.execute(
        "INSERT INTO checkpoints (subscriber, position) VALUES (?, ?) "
        "ON CONFLICT (subscriber) DO UPDATE SET position = excluded.position",
        (subscriber, number_of(position)),
    )


def parked(connection: sqlite3.Connection, subscriber: str | None) -> list[ParkedStream]:
    """Parked streams, those parked first in front."""
    order = " ORDER BY parked_at, subscriber, stream"
    if subscriber is None:
        rows = connection.execute(_PARKED + order)
    else:
        rows = connection.execute(f"{_PARKED} WHERE subscriber = ?{order}", (subscriber,))
    return [_parked_stream(row) for row in rows.fetchall()]


def park(connection: sqlite3.Connection, entry: ParkedStream) -> None:
    """Keep a stream as parked, in place of an earlier entry."""
    connection.execute(
        "INSERT OR REPLACE INTO parked (subscriber, stream, version, event_id, error, parked_at, "
        "request, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.subscriber,
            entry.stream,
            entry.version,
            entry.event_id.bytes,
            entry.error,
            microseconds_of(entry.parked_at),
            entry.request,
            entry.reason,
        ),
    )


def unpark(connection: sqlite3.Connection, subscriber: str, stream: str) -> None:
    """Forget a parked stream."""
    query = "DELETE FROM parked WHERE subscriber = ? AND stream = ?"
    connection.execute(query, (subscriber, stream))


def request(
    connection: sqlite3.Connection, parked_id: str, wanted: ParkedRequest, reason: str | None
) -> bool:
    """Note what an operator wants done with a parked stream."""
    query = "UPDATE parked SET request = ?, reason = ? WHERE subscriber || ':' || stream = ?"
    return connection.execute(query, (wanted, reason, parked_id)).rowcount > 0


def _parked_stream(row: Any) -> ParkedStream:
    subscriber, stream, version, event_id, error, parked_at, wanted, reason = row
    return ParkedStream(
        subscriber,
        stream,
        version,
        UUID(bytes=event_id),
        error,
        _EPOCH + timedelta(microseconds=parked_at),
        wanted,
        reason,
    )
