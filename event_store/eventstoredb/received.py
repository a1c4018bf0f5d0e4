"""Events as they come from the server."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from event_store.errors import EventStoreCorrupt
from event_store.moved import recorded_at_of
from event_store.port import RecordedEvent
from event_store.positions import position_of


def recorded_event(
    *,
    id: UUID,  # noqa: A002 - as the event's own field
    stream: str,
    version: int,
    type: str,  # noqa: A002
    data: bytes,
    metadata: bytes,
    position: int | None,
    recorded_at: datetime | None,
) -> RecordedEvent:
    """An event; one that was moved here from another store was recorded when it was there.

    Raises:
        EventStoreCorrupt: the server did not say where or when it was recorded.
    """
    recorded_at = recorded_at_of(metadata) or recorded_at
    if position is None or recorded_at is None:
        raise EventStoreCorrupt(f"event {version} of {stream} has no position or no time")
    return RecordedEvent(
        id, stream, version, type, data, metadata, position_of(position), recorded_at
    )
