"""EventStoreDB as one end of a migration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from event_store.accounts import CannotMove, named
from event_store.checks import checked_size
from event_store.errors import BatchTooLarge
from event_store.eventstoredb.store import is_shown
from event_store.migration import Progress
from event_store.moved import with_recorded_at, without_recorded_at
from event_store.port import MAX_APPEND_BYTES, NewEvent, RecordedEvent, WholeEventStore


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: NewEvent
    version: int
    recorded_at: datetime
    size: int


class EventStoreDBEnd:
    """Events moved here have the time that they were recorded at first in their metadata.

    Events of one stream that follow each other are one append, as far as they fit; where they
    don't, those that were recorded at the same time stay together.
    """

    def __init__(self, store: WholeEventStore) -> None:
        """Move from or to this store."""
        self.store = store
        self._stream = ""
        self._run: list[_Waiting] = []
        self._size = 0
        self._cut = 0
        """How many of the run don't belong together with the last one."""

    def original(self, stored: RecordedEvent) -> RecordedEvent:
        """The event without the time in its metadata."""
        metadata = without_recorded_at(stored.metadata)
        return stored if metadata is stored.metadata else replace(stored, metadata=metadata)

    def check(self, original: RecordedEvent) -> None:
        """Return when the event could be written here; see `MigrationEnd.check`."""
        if not is_shown(original.stream):
            raise CannotMove(f"{named(original)} would not be seen among the events there.")
        if b'"recordedAt"' in original.metadata and _has_a_time(original.metadata):
            raise CannotMove(f"{named(original)} has a recordedAt in its metadata already.")
        try:
            _waiting(original)
        except (BatchTooLarge, ValueError) as error:
            raise CannotMove(f"{named(original)} can't be moved: {error}") from error

    async def take(self, originals: Sequence[RecordedEvent], written: Progress) -> None:
        """Write all but the last events of the same stream, which more may follow."""
        for original in originals:
            await self._add(original, written)

    async def finish(self, written: Progress) -> None:
        """Write what was kept."""
        await self._send(len(self._run), written)

    async def _add(self, original: RecordedEvent, written: Progress) -> None:
        coming = _waiting(original)
        if original.stream != self._stream:
            await self.finish(written)
            self._stream = original.stream
        elif self._run and self._run[-1].recorded_at != coming.recorded_at:
            self._cut = len(self._run)
        while self._run and self._size + coming.size > MAX_APPEND_BYTES:
            await self._send(self._cut or len(self._run), written)
        self._run.append(coming)
        self._size += coming.size

    async def _send(self, count: int, written: Progress) -> None:
        sent = self._run[:count]
        if sent:
            events, expected = [it.event for it in sent], sent[0].version - 1
            await self.store.append(self._stream, events, expected=expected)
            written(len(sent))
        self._run = self._run[count:]
        self._size -= sum(it.size for it in sent)
        self._cut = 0


def _waiting(original: RecordedEvent) -> _Waiting:
    metadata = with_recorded_at(original.metadata, original.recorded_at)
    event = NewEvent(original.id, original.type, original.data, metadata)
    size = checked_size(original.stream, [event], original.version - 1)
    return _Waiting(event, original.version, original.recorded_at, size)


def _has_a_time(metadata: bytes) -> bool:
    try:
        parts: object = json.loads(metadata)
    except (ValueError, RecursionError):
        return False
    return isinstance(parts, dict) and "recordedAt" in parts
