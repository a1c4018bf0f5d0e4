"""Events folded into documents, in memory: what one write will bring about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.parked import ParkedStream
from event_store.codec import decode_event, decode_metadata, decode_replay_metadata
from event_store.port import NO_VERSION, RecordedEvent
from projections.projector import AnyProjector, Context, NoDocument
from read_side.port import Document, Put, Stored

MAX_ERROR_TEXT = 500
_NO_GAP = range(0)
_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What an engine has to know besides documents."""

    store: str
    """Identity of the event store."""
    parked: Mapping[str, ParkedStream]
    """By stream."""
    discarded: Mapping[str, frozenset[int]]
    """Versions given up, by stream."""


@dataclass(slots=True)
class _Draft:
    document: Document | None
    streams: dict[str, int]
    revision: int | None
    first: RecordedEvent | None = None
    """The first event that changed it."""


def key_for(projector: AnyProjector, recorded: RecordedEvent) -> str:
    """The key of the document that the event goes into."""
    key = projector.key_of(recorded.stream)
    return str(recorded.id) if key is None else key


class Fold:
    """Applies events, in order, to copies of the stored documents; never refuses one.

    A repeat changes nothing. An event that can't be projected parks its stream, and the later
    ones of that stream are passed over.
    """

    def __init__(
        self,
        projector: AnyProjector,
        known: Known,
        stored: Mapping[str, Stored],
        now: Callable[[], datetime],
    ) -> None:
        self.parked: dict[str, ParkedStream] = {}
        """Streams parked by this fold."""
        self._projector = projector
        self._known = known
        self._now = now
        self._drafts = {
            key: _Draft(one.document, dict(one.streams), one.revision)
            for key, one in stored.items()
        }
        self._by_stream: dict[str, _Draft] = {}
        handles = projector.handles
        self._types = None if handles is None else {kind.__name__ for kind in handles}

    def passes_over(self, stream: str) -> bool:
        """Whether the stream is parked."""
        return stream in self.parked or stream in self._known.parked

    def gap_before(self, recorded: RecordedEvent) -> range:
        """The versions that are missing between the document and this event."""
        stream = recorded.stream
        draft = self._by_stream.get(stream) or self._draft_of(recorded)
        reached = draft.streams.get(stream, NO_VERSION)
        if recorded.version <= reached + 1 or self.passes_over(stream):
            return _NO_GAP
        if self._projector.key_of(stream) is None:
            return _NO_GAP
        return range(reached + 1, recorded.version)

    def apply(self, recorded: RecordedEvent) -> None:
        """Bring the event's document forward, or park the event's stream."""
        stream = recorded.stream
        if self.passes_over(stream):
            return
        draft = self._by_stream.get(stream) or self._draft_of(recorded)
        if recorded.version <= draft.streams.get(stream, NO_VERSION):
            return
        try:
            draft.document = self._next(draft.document, recorded)
        except Exception as error:  # noqa: BLE001 whatever a projector raises concerns this stream only
            self.park(recorded, error)
            return
        draft.streams[stream] = recorded.version
        if draft.first is None:
            draft.first = recorded

    def park(self, recorded: RecordedEvent, error: Exception) -> None:
        """Let the event's stream wait for an operator."""
        self.parked[recorded.stream] = ParkedStream(
            subscriber=self._projector.name,
            stream=recorded.stream,
            version=recorded.version,
            event_id=recorded.id,
            error=f"{type(error).__name__}: {error}"[:MAX_ERROR_TEXT],
            parked_at=self._now(),
        )

    def first_applied(self, key: str) -> RecordedEvent:
        """The first event that changed this document."""
        first = self._drafts[key].first
        if first is None:
            raise KeyError(key)
        return first

    def puts(self, *, without: Iterable[str] = ()) -> Sequence[Put]:
        """The documents that changed."""
        left_out = frozenset(without)
        return [
            Put(key, draft.document, draft.streams, draft.revision)
            for key, draft in self._drafts.items()
            if draft.first is not None and key not in left_out
        ]

    def _draft_of(self, recorded: RecordedEvent) -> _Draft:
        key = self._projector.key_of(recorded.stream)
        alone = key is None
        key = str(recorded.id) if alone else key
        draft = self._drafts.get(key)
        if draft is None:
            draft = self._drafts[key] = _Draft(None, {}, None)
        if not alone:
            self._by_stream[recorded.stream] = draft
        return draft

    def _next(self, document: Document | None, recorded: RecordedEvent) -> Document | None:
        discarded = self._known.discarded.get(recorded.stream, _NONE)
        if recorded.version in discarded:
            return document
        if self._types is not None and recorded.type not in self._types:
            return document
        if self._types is None:
            event, metadata = None, decode_metadata(recorded)
        else:
            metadata = decode_replay_metadata(recorded)
            event = decode_event(recorded, metadata)
        context = Context(recorded, self._known.store, metadata)
        try:
            return self._projector.project(document, event, context)
        except NoDocument:
            if discarded:
                return None  # Its beginning was given up, so what follows has nothing to continue.
            raise
