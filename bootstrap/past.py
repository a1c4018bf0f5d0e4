"""The audit's fold of the past, filled from the projectors: what they make of each stream."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.events.base import Event
from contracts.metadata import Metadata
from contracts.registry import category_of
from event_store.port import RecordedEvent
from projections.projector import AnyProjector, Context
from read_side.audit.port import CannotReplay
from read_side.port import Document

_ANY_STORE = ""
"""Which store an event is from only counts where each event has a document of its own."""


class ProjectedPast:
    """The audit's `Past`: an order at a version is what `order_details` shows of it by then.

    Folds with those projectors that make one document of each stream of one category.
    """

    def __init__(self, projectors: Iterable[AnyProjector]) -> None:
        """Fold with these projectors."""
        self._projectors = {
            projector.categories[0]: projector
            for projector in projectors
            if projector.handles is not None and len(projector.categories) == 1
        }

    def after(
        self,
        document: Document | None,
        recorded: RecordedEvent,
        event: Event,
        metadata: Metadata,
    ) -> Document | None:
        """The document after the event; the same one where the projector does not handle it.

        Raises:
            CannotReplay: the projector refuses the event.
        """
        projector = self._projectors.get(category_of(recorded.stream))
        if projector is None or type(event) not in (projector.handles or ()):
            return document
        context = Context(recorded, _ANY_STORE, metadata)
        try:
            return projector.project(document, event, context)
        except Exception as error:  # as in a projection: whatever it raises concerns this stream
            where = f"event {recorded.version} of {recorded.stream}"
            raise CannotReplay(f"{where} can't be applied: {error}") from error
