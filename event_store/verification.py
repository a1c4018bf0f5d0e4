"""Finds events that were changed, removed, added or moved after they were recorded.

Each event of a stream is held against its hash and the hash before it. Where an event does not fit
it is named, and the check goes on behind it: its own hash, and the one that its content would have,
are both tried for the next event, so that one change is one finding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from event_store.chain import Chain, readings
from event_store.heads import StreamEnd
from event_store.port import NO_VERSION, Position, RecordedEvent

Fault = Literal[
    "changed",
    "moved",
    "unhashed",
    "missing",
    "unproven",
    "misplaced",
    "replaced",
    "cut",
    "removed",
    "damaged",
]

_ALTERNATIVES = 4
"""Hashes that are tried for an event after one that does not fit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one event, or with the one that should be there."""

    stream: str
    """Empty for what is wrong with the store as a whole."""
    version: int
    """`NO_VERSION` where it can't be told."""
    event_id: UUID | None
    """None for an event that is not there, or whose id can't be read."""
    fault: Fault
    detail: str


class StreamCheck:
    """How far a stream is checked: the version, and what the hash there may be."""

    __slots__ = ("_alternatives", "begun", "hash", "sure", "version")

    def __init__(self) -> None:
        """Nothing of it is checked yet."""
        self.version = NO_VERSION
        self.hash = ""
        self.begun = False
        """Whether an event had a hash: streams of older software begin without."""
        self.sure = True
        """Whether one of the hashes is the right one for certain."""
        self._alternatives: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether there is any event."""
        return self.version > NO_VERSION

    @property
    def before(self) -> tuple[str, ...]:
        """The hashes that the next event may follow."""
        return (self.hash, *self._alternatives)

    def proven(self, hash_: str) -> None:
        """The event has this hash, rightly; what was in doubt before does not matter any more."""
        self.hash, self.begun, self.sure, self._alternatives = hash_, True, True, ()

    def unchained(self) -> None:
        """The event is of a time before there were hashes."""
        self.hash, self.sure, self._alternatives = "", True, ()

    def doubted(self, hash_: str, alternatives: Sequence[str]) -> None:
        """The event is not what was recorded; its hash may be this one or one of the others."""
        self.hash, self.begun, self.sure = hash_, True, False
        self._alternatives = tuple(alternatives)


class Checker:
    """Checks events, given in order of their versions within each stream."""

    def __init__(
        self,
        chain: Chain,
        *,
        all_hashed: bool = False,
        ends: Mapping[str, StreamEnd] | None = None,
    ) -> None:
        """Check with this key.

        Args:
            chain: of the key.
            all_hashed: whether it is certain that each event was recorded with a hash.
            ends: of the streams that there were when somebody made hashes already, by name.
        """
        self._chain = chain
        self._all_hashed = all_hashed
        self._ends = ends
        self._chained_from: Position | None = None
        self.events = 0
        self.proven = 0
        self.unchained = 0
        """Events without a hash that may be of older software: nothing can be said of them."""

    def check(self, stream: StreamCheck, event: RecordedEvent) -> list[Finding]:
        """What is wrong with the event, or missing before it."""
        self.events += 1
        if event.version <= stream.version:
            return [finding_of(event, "misplaced", "there is another event of this version")]
        findings = _gap(stream, event)
        befores = () if findings else stream.before
        sure = stream.sure and not findings
        stream.version = event.version
        fitting = self._fitting(event, befores, event.version)
        if fitting is not None:
            stream.proven(fitting)
            self.proven += 1
            self._chain_begins(event)
            return findings
        finding = self._judge(stream, event, befores, sure=sure)
        return [*findings, finding] if finding else findings

    def _judge(
        self, stream: StreamCheck, event: RecordedEvent, befores: Sequence[str], *, sure: bool
    ) -> Finding | None:
        """Why the event does not fit; None if it is of a time before there were hashes."""
        found: str | None = None
        try:
            for reading in readings(event.metadata):
                found = reading[0]
        except (ValueError, TypeError) as error:
            self._doubt(stream, event, found or "", befores, sure=sure)
            return finding_of(event, "changed", str(error))
        if found is None and not stream.begun and self._may_be_unchained(event):
            stream.unchained()
            self.unchained += 1
            return None
        for version in (event.version - 1, event.version + 1):
            fitting = self._fitting(event, befores, version)
            if fitting is not None:
                stream.doubted(fitting, befores[:_ALTERNATIVES])
                return finding_of(event, "moved", f"it was recorded as version {version}")
        self._doubt(stream, event, found or "", befores, sure=sure)
        if found is None:
            return finding_of(event, "unhashed", "it was added without the key, or lost its hash")
        if sure:
            return finding_of(event, "changed", "this is not what was recorded here")
        return finding_of(event, "unproven", "the hash before it is lost: it can't be checked")

    def _doubt(
        self,
        stream: StreamCheck,
        event: RecordedEvent,
        found: str,
        befores: Sequence[str],
        *,
        sure: bool,
    ) -> None:
        # The next event follows this one's hash as it is, or as it was if only the hash was
        # changed, or follows what was here before this one was put in.
        rightful = tuple(self._links(event, befores)) if sure else ()
        stream.doubted(found, (*rightful, *(befores if sure else ())))

    def _fitting(self, event: RecordedEvent, befores: Sequence[str], version: int) -> str | None:
        """The event's hash, if it is right after one of these and at this version."""
        try:
            for found, canonical in readings(event.metadata):
                for before in befores if found else ():
                    if found == self._link(event, before, version, canonical):
                        return found
        except (ValueError, TypeError, struct.error):
            # Unreadable metadata, or columns of the wrong types: not as anything of ours.
            return None
        return None

    def _links(self, event: RecordedEvent, befores: Sequence[str]) -> Iterator[str]:
        """The hashes that the event as it is would have."""
        try:
            *_, (_, canonical) = readings(event.metadata)
            for before in befores:
                yield self._link(event, before, event.version, canonical)
        except (ValueError, TypeError, struct.error):
            return

    def _link(self, event: RecordedEvent, before: str, version: int, canonical: bytes) -> str:
        return self._chain.link(
            before, event.stream, version, event.id, event.type, event.data, canonical
        )

    def _chain_begins(self, event: RecordedEvent) -> None:
        if self._chained_from is None or event.position < self._chained_from:
            self._chained_from = event.position

    def _may_be_unchained(self, event: RecordedEvent) -> bool:
        """Whether nothing says that hashes were made when the event was recorded."""
        if self._all_hashed:
            return False
        if self._ends is not None:
            end = self._ends.get(event.stream)
            if end is None or event.version > end.version:
                return False
            if event.version == end.version and end.hash:
                return False
        return self._chained_from is None or event.position <= self._chained_from


def _gap(stream: StreamCheck, event: RecordedEvent) -> list[Finding]:
    expected = stream.version + 1
    if event.version == expected:
        return []
    last = event.version - 1
    gone = f"version {expected} is" if last == expected else f"versions {expected} to {last} are"
    detail = f"{gone} gone: removed, or moved elsewhere"
    return [Finding(event.stream, expected, None, "missing", detail)]


def finding_of(event: RecordedEvent, fault: Fault, detail: str) -> Finding:
    """Something wrong with this event."""
    return Finding(event.stream, event.version, event.id if event.id.int else None, fault, detail)
