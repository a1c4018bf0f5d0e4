"""Events that the server writes by itself."""

from __future__ import annotations

from uuid import uuid4

from event_store.dev_server.records import METADATA, STREAM_DELETED, Proposed


def database_created() -> Proposed:
    """The first event of `$all`: positions of users' events are never 0."""
    return _event("$databaseCreated", b"{}")


def metadata_written(document: bytes) -> Proposed:
    """New metadata of a stream, written to its metastream."""
    return _event(METADATA, document)


def stream_deleted() -> Proposed:
    """The last event of a stream that was deleted for ever."""
    return Proposed(uuid4().bytes, STREAM_DELETED, False, b"", b"")


def _event(type_: str, data: bytes) -> Proposed:
    return Proposed(uuid4().bytes, type_, True, data, b"")
