"""Events folded into documents, in memory: what one write will bring about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.parked import ParkedStream
from event_store.codec import decode_event, decode_metadata, decode_replay_metadata
from event_store.composite import part_for
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
    """Identity of the event store; composite where several are read as one."""
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
        handles = projector.handles
        self._types = None if handles is None else {kind.__name__ for kind in handles}

    def apply(self, recorded: RecordedEvent) -> None:
        """Bring the event's document forward, or park the event's stream."""
        stream = recorded.stream
        if self._passes_over(stream):
            return
        key = self._projector.key_of(stream)
        draft = self._draft(str(recorded.id) if key is None else key)
        if recorded.version > draft.streams.get(stream, NO_VERSION):
            self._advance(draft, recorded)

    def apply_stream(self, stream: str, events: Iterable[RecordedEvent]) -> range:
        """Apply events of one stream up to a gap; the versions that are missing there, or none."""
        key = self._projector.key_of(stream)
        if key is None:
            for recorded in events:
                self.apply(recorded)
        elif not self._passes_over(stream):
            draft = self._draft(key)
            reached = draft.streams.get(stream, NO_VERSION)
            for recorded in events:
                version = recorded.version
                if version > reached + 1:
                    return range(reached + 1, version)
                if version > reached:
                    if not self._advance(draft, recorded):
                        break
                    reached = version
        return _NO_GAP

    def leave_out(self, stream: str, versions: range) -> None:
        """Go on after these versions of a stream, which nobody can read any more."""
        key = self._projector.key_of(stream)
        if key is not None:
            self._draft(key).streams[stream] = versions[-1]

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

    def _passes_over(self, stream: str) -> bool:
        return stream in self.parked or stream in self._known.parked

    def _draft(self, key: str) -> _Draft:
        draft = self._drafts.get(key)
        if draft is None:
            draft = self._drafts[key] = _Draft(None, {}, None)
        return draft

    def _advance(self, draft: _Draft, recorded: RecordedEvent) -> bool:
        """Project the event; whether its stream goes on."""
        try:
            draft.document = self._next(draft.document, recorded)
        except Exception as error:  # noqa: BLE001 whatever a projector raises concerns this stream only
            self.park(recorded, error)
            return False
        draft.streams[recorded.stream] = recorded.version
        if draft.first is None:
            draft.first = recorded
        return True

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
        context = Context(recorded, part_for(self._known.store, recorded.stream), metadata)
        try:
            return self._projector.project(document, event, context)
        except NoDocument:
            if discarded:
                return None  # Its beginning was given up, so what follows has nothing to continue.
            raise
