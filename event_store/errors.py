"""Every error an event store raises. Adapters translate their library's errors into these."""

from __future__ import annotations


class EventStoreError(Exception):
    """Base of all errors of an event store."""


class WrongExpectedVersion(EventStoreError):
    """The stream is not at the version the append expected; nothing was written."""

    def __init__(self, stream: str, expected: object, current: int) -> None:
        """Name the stream, what was expected and the stream's version (-1: no stream)."""
        super().__init__(f"stream {stream!r} is at version {current}, expected {expected}")
        self.stream = stream
        self.expected = expected
        self.current = current


class AppendOutcomeUnknown(EventStoreError):
    """The answer to an append was lost: the events may or may not have been written.

    Read the stream to find out, or append the same event ids at the same version again.
    """


class EventStoreUnavailable(EventStoreError):
    """The store can't be reached or can't take work now; trying again later can succeed."""


class EventStoreFull(EventStoreUnavailable):
    """No space is left for more events; nothing was written."""


class EventStoreReadOnly(EventStoreError):
    """The store, or its file, can be read but not written."""


class EventStoreCorrupt(EventStoreError):
    """The store's file is damaged or is not an event store."""


class EventStoreSchemaTooNew(EventStoreError):
    """The store's file was made by a newer version of this software."""


class BatchTooLarge(EventStoreError):
    """The events of one append exceed what the store takes at once; nothing was sent."""


class InvalidPosition(EventStoreError):
    """The position is not one of this store's."""
