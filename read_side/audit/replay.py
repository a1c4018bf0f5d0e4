"""A stream replayed event by event, with what it describes before and after each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from contracts.events.base import Event
from contracts.metadata import Metadata
from contracts.registry import PUBLISHED, category_of
from event_store.codec import CodecError, UnknownEventType, decode, decode_metadata
from event_store.port import NO_VERSION, EventStore, RecordedEvent
from read_side.audit.port import CannotReplay, Past
from read_side.port import Document

CHUNK = 200
"""So many events are read, and replayed without a pause, at once."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a stream. `metadata` and `event` are None where they can't be read.

    `lost` says that an event up to this one can't be replayed, and why: then nobody knows what
    the stream describes, and `before` and `after` are None.
    """

    recorded: RecordedEvent
    metadata: Metadata | None
    event: Event | None
    unreadable: str | None
    before: Document | None
    after: Document | None
    lost: str | None


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a replay ended: what the stream describes at a version, or why nobody knows."""

    version: int
    document: Document | None
    lost: str | None


BEGINNING = Reached(NO_VERSION, None, None)


def is_shown(stream: str) -> bool:
    """Whether the audit shows the stream: only what is published, and never what is secret."""
    return category_of(stream) in PUBLISHED


async def replay(
    events: EventStore,
    past: Past,
    stream: str,
    *,
    last: int | None = None,
    after: Reached = BEGINNING,
) -> AsyncGenerator[Happening]:
    """Replay a stream from its beginning, or after what was `Reached`, up to the version `last`.

    A stream that does not exist, or that is not shown, has no events.

    Raises:
        EventStoreUnavailable: the event store can't be read now.
    """
    if not is_shown(stream):
        return
    first, document, lost = after.version + 1, after.document, after.lost
    while True:
        chunk = await events.read_stream(stream, first=first, last=last, limit=CHUNK)
        for recorded in chunk:
            happening = _next(past, recorded, document, lost)
            document, lost = happening.after, happening.lost
            yield happening
        if len(chunk) < CHUNK:
            return
        first = chunk[-1].version + 1
        # A short read does not give way to other requests, and a hot stream has many.
        await asyncio.sleep(0)


def _next(
    past: Past, recorded: RecordedEvent, document: Document | None, lost: str | None
) -> Happening:
    metadata: Metadata | None = None
    event: Event | None = None
    unreadable: str | None = None
    after = document
    try:
        metadata = decode_metadata(recorded)
        event, _ = decode(recorded, metadata)
        if lost is None:
            after = past.after(document, recorded, event, metadata)
    except UnknownEventType as error:
        # Passed over, as by everything that reads events: only its version counts.
        unreadable = str(error)
    except CodecError as error:
        unreadable = lost = str(error)
    except CannotReplay as error:
        lost = str(error)
    if lost is not None:
        document = after = None
    return Happening(recorded, metadata, event, unreadable, document, after, lost)
