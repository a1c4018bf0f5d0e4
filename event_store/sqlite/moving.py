"""A SQLite file as one end of a migration."""

from __future__ import annotations

from collections.abc import Sequence

from event_store.accounts import CannotMove, named
from event_store.checks import checked_size
from event_store.errors import BatchTooLarge
from event_store.migration import Progress
from event_store.port import NewEvent, RecordedEvent
from event_store.sqlite.store import SqliteEventStore


class SqliteEnd:
    """Events are in it as they were recorded first; their time has a column of its own."""

    def __init__(self, store: SqliteEventStore) -> None:
        """Move from or to this store."""
        self.store = store

    def original(self, stored: RecordedEvent) -> RecordedEvent:
        """The event itself."""
        return stored

    def check(self, original: RecordedEvent) -> None:
        """Return when the event could be written here; see `MigrationEnd.check`."""
        event = NewEvent(original.id, original.type, original.data, original.metadata)
        try:
            checked_size(original.stream, [event], original.version - 1)
        except (BatchTooLarge, ValueError) as error:
            raise CannotMove(f"{named(original)} can't be moved: {error}") from error

    async def take(self, originals: Sequence[RecordedEvent], written: Progress) -> None:
        """Write the events in one transaction."""
        await self.store.take_over(originals)
        written(len(originals))

    async def finish(self, written: Progress) -> None:
        """Nothing was kept for later."""
