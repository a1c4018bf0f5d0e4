"""How a stream stands: its last revision and its metadata."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from event_store.dev_server import metadata
from event_store.dev_server.metadata import StreamMetadata
from event_store.dev_server.records import DELETED_REVISION, NO_STREAM, StreamDeleted

_METASTREAM = "$$"
_MICROSECONDS = 1_000_000
_LAST = "SELECT revision FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1"
_LAST_DATA = "SELECT revision, data FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1"


class StreamState(NamedTuple):
    """A stream; `last` is -1 without events, `last_metadata` without metadata."""

    name: str
    last: int
    metadata: StreamMetadata
    last_metadata: int

    @property
    def tombstoned(self) -> bool:
        """Whether it was deleted for ever."""
        return self.last == DELETED_REVISION

    @property
    def soft_deleted(self) -> bool:
        """Whether it was deleted until it is written again."""
        return self.metadata.truncate_before == DELETED_REVISION

    @property
    def known(self) -> bool:
        """Whether it has events, or metadata."""
        return self.last != NO_STREAM or self.last_metadata != NO_STREAM


class Readable(NamedTuple):
    """The events of a stream that can be read: revisions, and the earliest time in microseconds."""

    first: int
    last: int
    recorded_from: int

    def holds(self, revision: int, recorded_at: int) -> bool:
        """Whether an event can be read."""
        return self.first <= revision <= self.last and recorded_at >= self.recorded_from


def metastream_of(stream: str) -> str:
    """The stream that holds the metadata of a stream."""
    return _METASTREAM + stream


def base_of(stream: str) -> str | None:
    """The stream that this metastream is about; None when it is no metastream."""
    return stream.removeprefix(_METASTREAM) if stream.startswith(_METASTREAM) else None


def last_revision(connection: sqlite3.Connection, stream: str) -> int:
    """The revision of the last event; -1 when there is none."""
    row = connection.execute(_LAST, (stream,)).fetchone()
    return row[0] if row else NO_STREAM


def state_of(connection: sqlite3.Connection, stream: str) -> StreamState:
    """How a stream stands."""
    last = last_revision(connection, stream)
    row = connection.execute(_LAST_DATA, (metastream_of(stream),)).fetchone()
    if base_of(stream) is not None:
        described = metadata.OF_METASTREAMS
    else:
        described = metadata.parse(row[1]) if row else None
    return StreamState(stream, last, described or metadata.NONE, row[0] if row else NO_STREAM)


def readable_of(state: StreamState, now: int) -> Readable:
    """What can be read of a stream at this time, in microseconds since 1970."""
    age = state.metadata.max_age
    recorded_from = 0 if age is None else max(0, now - age * _MICROSECONDS)
    return Readable(state.metadata.first_readable(state.last), state.last, recorded_from)


def readable_state_of(connection: sqlite3.Connection, stream: str) -> StreamState:
    """How a stream stands for who wants to read it.

    Raises:
        StreamDeleted: it, or the stream that it is the metadata of, was deleted for ever.
    """
    state = state_of(connection, stream)
    base = base_of(stream)
    if state.tombstoned or (
        base is not None and last_revision(connection, base) == DELETED_REVISION
    ):
        raise StreamDeleted(stream)
    return state
