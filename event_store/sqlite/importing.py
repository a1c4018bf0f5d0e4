"""Taking over events from another store, with the times that they were recorded at there."""

from __future__ import annotations

from collections.abc import Sequence

from event_store.checks import checked_size
from event_store.errors import WrongExpectedVersion
from event_store.port import NewEvent, RecordedEvent
from event_store.sqlite.appends import INSERT, category_of
from event_store.sqlite.bookkeeping import microseconds_of
from event_store.sqlite.queries import stream_version
from event_store.sqlite.writer import Transaction


class Import:
    """Events in their order, of any streams: all are written or none."""

    def __init__(self, events: Sequence[RecordedEvent]) -> None:
        """Refuse what could not be written.

        Raises:
            ValueError: a name or type is empty or not valid Unicode.
            BatchTooLarge: an event is larger than an append may be.
        """
        self._events = events
        self.size = sum(
            checked_size(it.stream, [NewEvent(it.id, it.type, it.data, it.metadata)], it.version)
            for it in events
        )

    def __call__(self, transaction: Transaction) -> None:
        """Write the events behind all others.

        Raises:
            WrongExpectedVersion: one does not follow the last of its stream; nothing was written.
        """
        versions: dict[str, int] = {}
        for event in self._events:
            stream = event.stream
            if stream not in versions:
                versions[stream] = stream_version(transaction.connection, stream)
            if event.version != versions[stream] + 1:
                raise WrongExpectedVersion(stream, event.version - 1, versions[stream])
            versions[stream] = event.version
        first = transaction.take_positions(len(self._events))
        transaction.connection.executemany(
            INSERT,
            [
                (
                    first + index,
                    event.stream,
                    event.version,
                    category_of(event.stream),
                    event.id.bytes,
                    event.type,
                    event.data,
                    event.metadata,
                    microseconds_of(event.recorded_at),
                )
                for index, event in enumerate(self._events)
            ],
        )
