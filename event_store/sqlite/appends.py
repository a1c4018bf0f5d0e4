"""Appending: EventStoreDB's checks of version and event ids, then the inserts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from event_store.checks import checked_size
from event_store.errors import WrongExpectedVersion
from event_store.port import (
    NO_VERSION,
    Appended,
    ExpectedVersion,
    NewEvent,
    StreamState,
)
from event_store.positions import position_of
from event_store.sqlite.queries import stream_version
from event_store.sqlite.writer import Transaction

INSERT = (
    "INSERT INTO events (position, stream, version, category, id, type, data, metadata, "
    "recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Append:
    """One append, checked as far as that is possible without the store."""

    __slots__ = ("_events", "_expected", "_ids", "_stream", "size")

    def __init__(self, stream: str, events: Sequence[NewEvent], expected: ExpectedVersion) -> None:
        """Refuse what could not be written: one append must not spoil those written with it.

        Raises:
            ValueError: no events, or a name or type that is empty or not valid Unicode.
            BatchTooLarge: more than `MAX_APPEND_BYTES`.
        """
        self.size = checked_size(stream, events, expected)
        self._stream = stream
        self._events = tuple(events)
        self._expected = expected
        self._ids = [event.id.bytes for event in self._events]

    def __call__(self, transaction: Transaction) -> Appended:
        """Write the events, or find that they were written before.

        Raises:
            WrongExpectedVersion: nothing was written.
        """
        current = stream_version(transaction.connection, self._stream)
        earlier = self._earlier(transaction.connection, current)
        return earlier or self._insert(transaction, current)

    def _insert(self, transaction: Transaction, current: int) -> Appended:
        stream, recorded_at = self._stream, transaction.recorded_at
        category = category_of(stream)
        first = transaction.take_positions(len(self._events))
        transaction.connection.executemany(
            INSERT,
            [
                (
                    first + index,
                    stream,
                    current + 1 + index,
                    category,
                    id_,
                    event.type,
                    event.data,
                    event.metadata,
                    recorded_at,
                )
                for index, (id_, event) in enumerate(zip(self._ids, self._events, strict=True))
            ],
        )
        return Appended(current + len(self._events), position_of(transaction.head))

    def _earlier(self, connection: sqlite3.Connection, current: int) -> Appended | None:
        """Where the same events were appended before; None when they are to be written now."""
        expected = self._expected
        if expected is StreamState.ANY:
            return self._known_in_stream(connection, current)
        if expected is StreamState.STREAM_EXISTS:
            if current == NO_VERSION:
                raise self._wrong_version(current)
            return self._known_in_stream(connection, current)
        version = NO_VERSION if expected is StreamState.NO_STREAM else expected
        if version == current:
            return None
        if version > current:
            raise self._wrong_version(current)
        return self._known_after(connection, version, current)

    def _known_after(self, connection: sqlite3.Connection, version: int, current: int) -> Appended:
        rows = connection.execute(
            "SELECT id, position FROM events WHERE stream = ? AND version > ? "
            "ORDER BY version LIMIT ?",
            (self._stream, version, len(self._ids)),
        ).fetchall()
        if [row[0] for row in rows] != self._ids:
            raise self._wrong_version(current)
        return Appended(version + len(rows), position_of(rows[-1][1]))

    def _known_in_stream(self, connection: sqlite3.Connection, current: int) -> Appended | None:
        places: list[tuple[int, int]] = []
        for id_ in self._ids:
            place = connection.execute(
                "SELECT version, position FROM events WHERE stream = ? AND id = ? "
                "ORDER BY version DESC LIMIT 1",
                (self._stream, id_),
            ).fetchone()
            if place is None and not places:
                return None
            if place is None:
                raise self._wrong_version(current)
            places.append(place)
        version, position = places[-1]
        return Appended(version, position_of(position))

    def _wrong_version(self, current: int) -> WrongExpectedVersion:
        return WrongExpectedVersion(self._stream, self._expected, current)


def category_of(stream: str) -> str:
    """The category as it is stored; empty where the name has none."""
    category, separator, _ = stream.partition("-")
    return category if separator else ""
