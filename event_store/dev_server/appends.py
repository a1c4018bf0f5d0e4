"""Appending and deleting: EventStoreDB's checks of version and event ids, then the writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from event_store.dev_server import metadata
from event_store.dev_server.records import (
    ANY,
    DELETED_REVISION,
    NO_STREAM,
    STREAM_EXISTS,
    Proposed,
    StreamDeleted,
    write,
)
from event_store.dev_server.stream_states import (
    StreamState,
    base_of,
    last_revision,
    metastream_of,
    readable_of,
    state_of,
)
from event_store.dev_server.system_events import metadata_written, stream_deleted
from event_store.errors import WrongExpectedVersion
from event_store.sqlite.writer import Transaction

_KNOWN = (
    "SELECT revision, position, recorded_at FROM events INDEXED BY events_by_id "
    "WHERE id = ? AND stream = ? ORDER BY revision LIMIT 1"
)
_AFTER = (
    "SELECT id, revision, position, recorded_at FROM events "
    "WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?"
)


class Written(NamedTuple):
    """What an append is answered with; None for a position that is not to be told."""

    revision: int
    position: int | None


class _Place(NamedTuple):
    revision: int
    position: int
    recorded_at: int


def append(
    transaction: Transaction, stream: str, events: Sequence[Proposed], expected: int
) -> Written:
    """Append all events or none.

    Raises:
        WrongExpectedVersion, StreamDeleted: nothing was written.
    """
    connection = transaction.connection
    state = state_of(connection, stream)
    known = _check(connection, state, [event.id for event in events], expected)
    if known is not None:
        can_be_read = readable_of(state, transaction.recorded_at).holds(
            known.revision, known.recorded_at
        )
        return Written(known.revision, known.position if can_be_read else None)
    if not events:
        return Written(state.last, None)
    base = _deleted_base_of(connection, stream)
    position = write(transaction, stream, state.last + 1, events)
    if state.soft_deleted:
        _truncate(transaction, state, state.metadata)
    elif base is not None:
        _truncate(transaction, base, metadata.parse(events[-1].data))
    return Written(state.last + len(events), position)


def delete(transaction: Transaction, stream: str, expected: int) -> int:
    """Delete a stream until it is written again; returns the position of what says so.

    Raises:
        WrongExpectedVersion, StreamDeleted: nothing was written.
    """
    state = state_of(transaction.connection, stream)
    _check(transaction.connection, state, [uuid4().bytes], expected)
    if not state.known:
        raise WrongExpectedVersion(stream, expected, NO_STREAM)
    if state.last_metadata == DELETED_REVISION:
        raise StreamDeleted(metastream_of(stream))
    deleted = [metadata_written(metadata.DELETED)]
    return write(transaction, metastream_of(stream), state.last_metadata + 1, deleted)


def tombstone(transaction: Transaction, stream: str, expected: int) -> int:
    """Delete a stream for ever; returns the position of what says so.

    Raises:
        WrongExpectedVersion, StreamDeleted: nothing was written.
    """
    state = state_of(transaction.connection, stream)
    _check(transaction.connection, state, [uuid4().bytes], expected)
    return write(transaction, stream, DELETED_REVISION, [stream_deleted()])


def _check(
    connection: sqlite3.Connection, state: StreamState, ids: Sequence[bytes], expected: int
) -> _Place | None:
    """Where the last of these events was written before; None when they are to be written now."""
    if state.tombstoned:
        raise StreamDeleted(state.name)
    if expected == STREAM_EXISTS:
        if state.soft_deleted:
            raise StreamDeleted(state.name)
        if not state.known:
            raise _wrong(state, expected)
    if expected in (ANY, STREAM_EXISTS):
        return _known_anywhere(connection, state, ids, expected)
    if expected > state.last:
        raise _wrong(state, expected)
    if expected == state.last:
        return None
    return _known_after(connection, state, ids, expected)


def _known_anywhere(
    connection: sqlite3.Connection, state: StreamState, ids: Sequence[bytes], expected: int
) -> _Place | None:
    place: _Place | None = None
    for id_ in ids:
        row = connection.execute(_KNOWN, (id_, state.name)).fetchone()
        if row is None and place is None:
            return None
        if row is None:
            raise _wrong(state, expected)
        place = _Place(*row)
    return place


def _known_after(
    connection: sqlite3.Connection, state: StreamState, ids: Sequence[bytes], expected: int
) -> _Place | None:
    rows = connection.execute(_AFTER, (state.name, expected, len(ids))).fetchall()
    if ids and [row[0] for row in rows] == ids:
        return _Place(*rows[-1][1:])
    if ids and rows[0][0] != ids[0] and expected == NO_STREAM and state.soft_deleted:
        return None
    raise _wrong(state, expected)


def _deleted_base_of(connection: sqlite3.Connection, stream: str) -> StreamState | None:
    """The deleted stream that metadata is written of."""
    base = base_of(stream)
    if base is None or last_revision(connection, base) == DELETED_REVISION:
        return None
    state = state_of(connection, base)
    return state if state.soft_deleted else None


def _truncate(
    transaction: Transaction, state: StreamState, described: metadata.StreamMetadata | None
) -> None:
    """Show what is written to a deleted stream from now on, and nothing of before."""
    if described is None:
        return
    metastream = metastream_of(state.name)
    revision = last_revision(transaction.connection, metastream) + 1
    document = described.truncated_before(state.last + 1)
    write(transaction, metastream, revision, [metadata_written(document)])


def _wrong(state: StreamState, expected: int) -> WrongExpectedVersion:
    return WrongExpectedVersion(state.name, expected, state.last)
