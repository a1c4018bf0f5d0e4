"""The event store as the rest of the system sees it.

Terms and semantics are EventStoreDB's: streams of versions 0, 1, 2..., one total order over all
streams, optimistic concurrency by expected version, idempotent appends by event id.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType, Protocol
from uuid import UUID

from contracts.parked import ParkedRequest, ParkedStream

Position = NewType("Position", str)
"""A place in the total order of one store: opaque, compared as a string, never computed with."""

NO_VERSION = -1
"""The version of a stream that does not exist."""

MAX_APPEND_BYTES = 1_048_576
"""Data, metadata and twice the type's length of one append, as EventStoreDB counts them."""


class StreamState(Enum):
    """What an append may expect of a stream besides an exact version."""

    NO_STREAM = "no_stream"
    STREAM_EXISTS = "stream_exists"
    ANY = "any"


ExpectedVersion = int | StreamState


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append: `data` and `metadata` are JSON objects in UTF-8."""

    id: UUID
    type: str
    data: bytes
    metadata: bytes


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the store keeps it. `recorded_at` is the store's own time, in UTC."""

    id: UUID
    stream: str
    version: int
    type: str
    data: bytes
    metadata: bytes
    position: Position
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an append ended: version and position of its last event."""

    version: int
    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and the position to go on after.

    `position` also moves past events that the filter left out. `at_end` says that nothing more
    was there when the page was read.
    """

    events: Sequence[RecordedEvent]
    position: Position
    at_end: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a subscription yields: events in order, maybe none, and where that leaves it.

    `position` is the place to resume after; `caught_up` says that the head was reached.
    """

    events: Sequence[RecordedEvent]
    position: Position
    caught_up: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of an aggregate at a version; `fingerprint` is that of its state's type.

    `hash` is that of the event at that version, empty where it has none.
    """

    stream: str
    version: int
    fingerprint: str
    state: bytes
    hash: str = ""


class EventStore(Protocol):
    """Streams of events. All methods may raise `EventStoreUnavailable`."""

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        """Append all events or none, at the expected version.

        The same event ids at the same expected version again succeed with the original
        position and write nothing.

        Raises:
            WrongExpectedVersion: the stream is at another version.
            AppendOutcomeUnknown: the answer was lost.
            BatchTooLarge: more than `MAX_APPEND_BYTES`.
            EventStoreFull, EventStoreReadOnly, EventStoreCorrupt: nothing was written.
        """
        ...

    async def read_stream(
        self,
        stream: str,
        *,
        first: int | None = None,
        last: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Sequence[RecordedEvent]:
        """Read the events of a stream with versions from `first` to `last`, both inclusive.

        Backwards gives the newest first. A stream that does not exist has no events.
        """
        ...

    async def read_all(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read at most `limit` events after a position (None: from the start) in total order.

        `categories` keeps the streams named `<category>-...` only (None: all).

        Raises:
            InvalidPosition: `after` is not a position of this store.
        """
        ...

    def subscribe(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        batch: int = 500,
    ) -> AsyncGenerator[Delivery]:
        """Follow all events after a position: history first, then live, with no gap and no repeat.

        Each time the head is reached one delivery says `caught_up`, the first of them even when
        there was nothing to read. Close the generator to unsubscribe (`contextlib.aclosing`).
        """
        ...

    async def head(self) -> Position | None:
        """The position of the last event; None while the store is empty."""
        ...

    async def stream_version(self, stream: str) -> int:
        """The version of the last event of a stream, or `NO_VERSION`."""
        ...

    async def identity(self) -> str:
        """The identity of this store. A restore renews it: positions of another one are void."""
        ...

    async def check(self) -> None:
        """Return when the store can read and write now; raise what prevents it otherwise."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go of all resources."""
        ...


class SnapshotStore(Protocol):
    """Keeps the newest snapshot of each stream. Best effort: losing one only costs a replay."""

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """The newest snapshot of the stream, if there is one."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep this snapshot instead of an older one of the same stream."""
        ...


class SubscriptionStore(Protocol):
    """What subscribers with effects (policies) remember, kept and restored with the events."""

    async def load_checkpoint(self, subscriber: str) -> Position | None:
        """The position up to which the subscriber has done its work."""
        ...

    async def save_checkpoint(self, subscriber: str, position: Position) -> None:
        """Remember that all up to this position is done (or parked)."""
        ...

    async def parked(self, subscriber: str | None = None) -> Sequence[ParkedStream]:
        """The parked streams of one subscriber, or of all."""
        ...

    async def park(self, parked: ParkedStream) -> None:
        """Remember a stream as parked, in place of what was known of it for that subscriber."""
        ...

    async def unpark(self, subscriber: str, stream: str) -> None:
        """Forget that the stream was parked."""
        ...

    async def request(
        self, parked_id: str, request: ParkedRequest, reason: str | None = None
    ) -> bool:
        """Ask the owner to `retry` or `discard`; False when nothing of that id is parked."""
        ...


class WholeEventStore(EventStore, SnapshotStore, SubscriptionStore, Protocol):
    """Events, and what is kept with them: what each adapter offers."""

    async def count(self, categories: Collection[str]) -> int | None:
        """How many events there are in these categories; None: it would take as long as reading."""
        ...
