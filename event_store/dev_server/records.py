"""Events as the file keeps them, and writing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from event_store.errors import EventStoreError
from event_store.sqlite.writer import Transaction

NO_STREAM = -1
ANY = -2
STREAM_EXISTS = -4
DELETED_REVISION = 2**63 - 1
"""Revision of the event that makes a stream a tombstone; as `$tb` it says deleted until written."""

STREAM_DELETED = "$streamDeleted"
METADATA = "$metadata"
LINK = "$>"


class StreamDeleted(EventStoreError):
    """The stream was deleted: nothing can be read from it, or written to it."""

    def __init__(self, stream: str) -> None:
        """Name the stream."""
        super().__init__(f"Event stream '{stream}' is deleted.")
        self.stream = stream


class Proposed(NamedTuple):
    """An event to be written."""

    id: bytes
    type: str
    is_json: bool
    data: bytes
    metadata: bytes

    @property
    def size(self) -> int:
        """Bytes that count towards the most that one append may hold."""
        return len(self.data) + len(self.metadata) + 2 * len(self.type)


class Record(NamedTuple):
    """A written event; `recorded_at` in microseconds since 1970."""

    position: int
    stream: str
    revision: int
    id: bytes
    type: str
    is_json: int
    data: bytes
    metadata: bytes
    recorded_at: int


COLUMNS = ", ".join(Record._fields)
_INSERT = (
    f"INSERT INTO events ({COLUMNS}, category) "  # noqa: S608
    f"VALUES ({', '.join('?' * (len(Record._fields) + 1))})"
)


def category_of(stream: str) -> str:
    """The name up to its first hyphen, with it; without hyphen there is none."""
    return stream[: stream.find("-") + 1]


def write(transaction: Transaction, stream: str, revision: int, events: Sequence[Proposed]) -> int:
    """Write events to a stream from this revision on; returns the position of the last."""
    first = transaction.take_positions(len(events))
    recorded_at, category = transaction.recorded_at, category_of(stream)
    transaction.connection.executemany(
        _INSERT,
        [
            (first + index, stream, revision + index, *event, recorded_at, category)
            for index, event in enumerate(events)
        ],
    )
    return transaction.head
