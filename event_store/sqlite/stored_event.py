"""Events made of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.ids import uuid_of
from event_store.errors import EventStoreCorrupt
from event_store.port import Position, RecordedEvent
from event_store.positions import position_of

COLUMNS = "id, stream, version, type, data, metadata, position, recorded_at"
"""What a row has to have, in this order."""

Row = tuple[bytes, str, int, str, bytes, bytes, int, int]

# Loading streams is the most frequent thing the write side does. Filling the slots of the frozen
# classes directly is what their constructors do in the end, only faster.
_new = object.__new__
_set_stream, _set_version, _set_type, _set_data, _set_metadata = (
    RecordedEvent.__dict__[name].__set__
    for name in ("stream", "version", "type", "data", "metadata")
)


class StoredEvent(RecordedEvent):
    """A `RecordedEvent` that turns id, position and time from their stored form when asked.

    Who loads an aggregate does not ask. It is equal to a plain one, and copies are plain ones.
    """

    __slots__ = ("_row",)
    _row: Row

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A plain one: made of rows they are by `event_of` only."""
        return RecordedEvent(*args, **kwargs)

    @property
    def id(self) -> UUID:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As `RecordedEvent.id`."""
        return uuid_of(int.from_bytes(self._row[0]))

    @property
    def position(self) -> Position:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As `RecordedEvent.position`."""
        return position_of(self._row[6])

    @property
    def recorded_at(self) -> datetime:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As `RecordedEvent.recorded_at`."""
        try:
            return datetime.fromtimestamp(self._row[7] / 1e6, UTC)
        except (ValueError, OverflowError) as error:
            raise EventStoreCorrupt(
                f"event {self.version} of {self.stream} was recorded at no time: {error}"
            ) from error

    def __eq__(self, other: object) -> bool:
        """Whether the other one, of a row or plain, says the same."""
        if isinstance(other, StoredEvent):
            return self._row == other._row
        return RecordedEvent(*self._parts()) == other

    def __hash__(self) -> int:
        """As that of a plain one."""
        return hash(RecordedEvent(*self._parts()))

    def __reduce__(self) -> tuple[Any, ...]:
        """A plain one arrives in another process."""
        return RecordedEvent, self._parts()

    def _parts(self) -> tuple[UUID, str, int, str, bytes, bytes, Position, datetime]:
        stored = (self.stream, self.version, self.type, self.data, self.metadata)
        return self.id, *stored, self.position, self.recorded_at


_set_row = StoredEvent.__dict__["_row"].__set__


def event_of(row: Row) -> RecordedEvent:
    """The event of a row.

    Raises:
        EventStoreCorrupt: it was not written by this software.
    """
    id_, stream, version, type_, data, metadata, _, recorded_at = row
    if type(id_) is not bytes or type(recorded_at) is not int:
        raise EventStoreCorrupt(f"event {version} of {stream} is stored in a form that is not ours")
    event = _new(StoredEvent)
    _set_stream(event, stream)
    _set_version(event, version)
    _set_type(event, type_)
    _set_data(event, data)
    _set_metadata(event, metadata)
    _set_row(event, row)
    return event
