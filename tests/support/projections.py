"""Given/then for projectors: streams of events, and the documents they make.

    given(
        OrderDetails(),
        stream("order-1", happened(OrderCreated, ...), happened(ItemAdded, ...)),
        stream("order-2", happened(OrderCreated, ...)),
    ).then("1", {...the whole document...}, times=2, shuffles=3).shows("2", status="created")

`happened` is that of `tests.support.aggregates`; `stored` names an event by its stored form
instead, for old, newer and unknown ones. Events are encoded, and read by the projections' own
fold. The first event of each stream happens at `AT`, each further one a minute later; they are
recorded in the order given, each `RECORDED_AFTER` after it happened.

`times` delivers everything so often in a row; `shuffles` repeats the whole check with so many
other interleavings of the streams (order is kept within a stream). Both make the same documents.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from contracts.metadata import Metadata
from contracts.values import Actor
from event_store.codec import encode
from event_store.port import NewEvent, Position, RecordedEvent
from projections.fold import Fold, Known
from projections.projector import AnyProjector
from read_side.port import Document
from tests.support.aggregates import AT, Happened

STORE = "store-1"
RECORDED_AFTER = timedelta(seconds=1)
ADA = Actor("user", "22222222-2222-4222-8222-222222222222", ("customer",))


@dataclass(frozen=True)
class StoredForm:
    """An event as it lies in a store."""

    type: str
    data: bytes
    schema_version: int


def stored(type: str, schema_version: int = 1, **data: Any) -> StoredForm:  # noqa: A002
    """Name an event by its stored type, schema version and JSON data."""
    return StoredForm(type, json.dumps(data).encode(), schema_version)


def metadata_at(at: datetime, schema_version: int = 1) -> Metadata:
    """Metadata of an event that Ada brought about."""
    return Metadata(
        correlation_id="correlation",
        causation_id="cause",
        command_id="command",
        command="DoSomething",
        actor=ADA,
        source="tests",
        occurred_at=at,
        schema_version=schema_version,
    )


def new_event(
    stream: str, version: int, what: Happened | StoredForm, at: datetime = AT
) -> NewEvent:
    """An event ready to append; its id follows from stream and version."""
    event_id = uuid5(NAMESPACE_OID, f"{stream}@{version}")
    if isinstance(what, StoredForm):
        metadata = msgspec.json.encode(metadata_at(at, what.schema_version))
        return NewEvent(event_id, what.type, what.data, metadata)
    event = what.type(
        originator_id=stream.partition("-")[2],
        originator_version=version,
        timestamp=at,
        **what.data,
    )
    return encode(event, metadata_at(at, what.type.SCHEMA_VERSION), event_id)


def stream(name: str, *events: Happened | StoredForm, first: int = 0) -> list[RecordedEvent]:
    """A stream's events from version `first` on, as recorded one after the other."""
    return [_recorded(name, version, what) for version, what in enumerate(events, start=first)]


def _recorded(name: str, version: int, what: Happened | StoredForm) -> RecordedEvent:
    at = AT + timedelta(minutes=version)
    new = new_event(name, version, what, at)
    return RecordedEvent(
        new.id, name, version, new.type, new.data, new.metadata, Position(""), at + RECORDED_AFTER
    )


def in_order(streams: Iterable[Sequence[RecordedEvent]]) -> list[RecordedEvent]:
    """All events with positions as recorded: one stream after the other."""
    events = [event for one in streams for event in one]
    return [
        replace(event, position=Position(f"{number:020}"))
        for number, event in enumerate(events, start=1)
    ]


def interleaved(events: Sequence[RecordedEvent], chance: random.Random) -> list[RecordedEvent]:
    """The events in another order of their streams; within each stream the order stays."""
    streams: dict[str, list[RecordedEvent]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    turns = [event.stream for event in events]
    chance.shuffle(turns)
    left = {name: iter(own) for name, own in streams.items()}
    return [next(left[name]) for name in turns]


class Given:
    """A projector and what has happened."""

    def __init__(self, projector: AnyProjector, events: Sequence[RecordedEvent]) -> None:
        self._projector = projector
        self._events = events

    def then(
        self, key: str, document: Mapping[str, Any] | None, *, times: int = 2, shuffles: int = 3
    ) -> Given:
        """The document under this key is exactly this one."""
        for delivered in self._deliveries(times, shuffles):
            assert self._documents(delivered).get(key) == document
        return self

    def shows(self, key: str, *, times: int = 2, shuffles: int = 3, **fields: Any) -> Given:
        """The document under this key has these values, among others."""
        for delivered in self._deliveries(times, shuffles):
            shown = self._documents(delivered)[key] or {}
            assert {name: shown.get(name) for name in fields} == fields
        return self

    def parks(self, stream: str, *, version: int) -> Given:
        """The stream gets stuck at this version."""
        assert self._fold(self._events).parked[stream].version == version
        return self

    def _deliveries(self, times: int, shuffles: int) -> Iterable[list[RecordedEvent]]:
        yield [*self._events] * times
        for seed in range(shuffles):
            yield interleaved(self._events, random.Random(seed)) * times

    def _documents(self, delivered: Sequence[RecordedEvent]) -> dict[str, Document | None]:
        fold = self._fold(delivered)
        assert not fold.parked, fold.parked
        return {put.key: put.document for put in fold.puts()}

    def _fold(self, delivered: Sequence[RecordedEvent]) -> Fold:
        fold = Fold(self._projector, Known(STORE, {}, {}), {}, now=lambda: AT)
        for event in delivered:
            fold.apply(event)
        return fold


def given(projector: AnyProjector, *streams: Sequence[RecordedEvent]) -> Given:
    """Begin with a projector and the streams recorded so far."""
    return Given(projector, in_order(streams))
