"""One document for each published event: the index of the audit, without payload."""

from __future__ import annotations

from contracts.documents import EVENT_LOG, EventLogDocument
from contracts.events.base import Event
from contracts.registry import PUBLISHED, category_of
from projections.projector import Context
from projections.shapes import time_text


class EventLog:
    """Lists the events of all published categories, of types unknown here too.

    It never sees an event's data, so no personal data can get into it.
    """

    name = EVENT_LOG.name
    document_type = EVENT_LOG
    categories = PUBLISHED
    handles = None

    def key_of(self, stream: str) -> None:
        """Each event has a document of its own."""
        return

    def project(
        self, document: EventLogDocument | None, event: Event | None, context: Context
    ) -> EventLogDocument:
        """Where the event lies, and who brought it about by which command."""
        recorded, metadata = context.recorded, context.metadata
        return {
            "event_id": str(recorded.id),
            "stream": recorded.stream,
            "version": recorded.version,
            "category": category_of(recorded.stream),
            "type": recorded.type,
            "occurred_at": time_text(metadata.occurred_at),
            "recorded_at": time_text(recorded.recorded_at),
            "position": recorded.position,
            "store": context.store,
            "actor_kind": metadata.actor.kind,
            "actor_id": metadata.actor.id,
            "command": metadata.command,
            "command_id": metadata.command_id,
            "correlation_id": metadata.correlation_id,
            "causation_id": metadata.causation_id,
        }
