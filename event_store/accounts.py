"""What the history in a store amounts to: counted, checked by its chains, and summed up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC
from struct import Struct

from event_store.chain import Chain
from event_store.errors import EventStoreError
from event_store.port import RecordedEvent
from event_store.verification import Checker, StreamCheck

# With the lengths in front no two histories are the same bytes.
_sizes = Struct(">q5Q").pack


class CannotMove(EventStoreError):
    """The history can't be moved; nothing, or the beginning of it, was written."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Equal for two stores if they hold the same history, and a check finds the same in both."""

    events: int
    streams: int
    proven: int
    """Events that are as they were recorded, for certain."""
    unchained: int
    """Events without hashes: nothing can be said of them."""
    findings: int
    """What a check of the chains finds wrong."""
    content: str
    """A digest of all events in their order, with what is stored of them."""
    verdict: str
    """A digest of what was found."""


class Account:
    """Takes the events of a store in their order; memory is bounded by the number of streams."""

    def __init__(self, chain: Chain, *, all_hashed: bool) -> None:
        """Check with this key; `all_hashed` says that every event must have a hash."""
        self._checker = Checker(chain, all_hashed=all_hashed)
        self._streams: dict[str, StreamCheck] = {}
        self._findings = 0
        self._content = hashlib.sha256()
        self._verdict = hashlib.sha256()

    def take(self, stored: RecordedEvent, original: RecordedEvent) -> None:
        """Count an event, as it is stored here and as it was recorded first.

        Raises:
            CannotMove: it does not stand behind the event before it in its stream.
        """
        stream = self._streams.get(stored.stream)
        if stream is None:
            stream = self._streams[stored.stream] = StreamCheck()
        if stored.version != stream.version + 1:
            raise CannotMove(
                f"{named(stored)} does not follow version {stream.version}, in the order of "
                "recording: an event was removed or put in (see `orderlog audit verify`)"
            )
        for finding in self._checker.check(stream, stored):
            self._findings += 1
            found = f"{finding.stream}@{finding.version} {finding.event_id} {finding.fault}\n"
            self._verdict.update(found.encode())
        self._content.update(_bytes_of(original))

    def summary(self) -> Summary:
        """What was taken until now."""
        return Summary(
            self._checker.events,
            len(self._streams),
            self._checker.proven,
            self._checker.unchained,
            self._findings,
            self._content.hexdigest(),
            self._verdict.hexdigest(),
        )


def named(event: RecordedEvent) -> str:
    """Which event it is, for people."""
    return f"version {event.version} of {event.stream} (id {event.id})"


def _bytes_of(event: RecordedEvent) -> bytes:
    stream, kind = event.stream.encode(), event.type.encode()
    at = event.recorded_at.astimezone(UTC).isoformat().encode()
    parts = (stream, kind, at, event.data, event.metadata)
    return b"".join((_sizes(event.version, *map(len, parts)), event.id.bytes, *parts))
