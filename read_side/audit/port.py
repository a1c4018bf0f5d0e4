"""What the audit needs of the projections: how an event changes what a stream is about."""

from __future__ import annotations

from typing import Protocol

from contracts.events.base import Event
from contracts.metadata import Metadata
from event_store.port import RecordedEvent
from read_side.port import Document


class CannotReplay(Exception):
    """An event can't be applied to what came before it: what follows is not known either."""


class Past(Protocol):
    """A pure fold of one stream at a time."""

    def after(
        self,
        document: Document | None,
        recorded: RecordedEvent,
        event: Event,
        metadata: Metadata,
    ) -> Document | None:
        """What the stream's events so far describe, given what those before this one did.

        An event that changes nothing of it gives the document back. None: nothing is described.

        Raises:
            CannotReplay: the event does not fit what came before.
        """
        ...
