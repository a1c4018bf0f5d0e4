"""Walks a store from beginning to end and checks it, in memory bounded by the number of streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from event_store.chain import Chain, hash_of
from event_store.heads import Head, StreamEnd
from event_store.port import EventStore, Position, RecordedEvent
from event_store.verification import Checker, Fault, Finding, StreamCheck

_PAGE = 1000
_LAST_VERSION = 2**63 - 1

Report = Callable[[Finding], None]
Progress = Callable[[int], None]
"""Takes how many more events were checked."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked, and how much of it was wrong."""

    events: int
    streams: int
    proven: int
    """Events that are as they were recorded, for certain."""
    unchained: int
    """Events that older software recorded without hashes: nothing can be said of them."""
    findings: int
    other_store: bool
    """The head is of a store of another identity: this one was restored, or is not the same."""


class Verification:
    """Checks one store once."""

    def __init__(
        self,
        store: EventStore,
        identity: str,
        chain: Chain,
        report: Report,
        *,
        against: Head | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        """Report each finding at once; `against` is a head of this store made earlier."""
        self._store = store
        self._identity = identity
        self._report = report
        self._progress = progress
        self._other_store = against is not None and against.store != identity
        self._ends = {end.stream: end for end in against.streams} if against else {}
        self._checker = Checker(chain, None if self._other_store else _chained_from(against))
        self._streams: dict[str, StreamCheck] = {}
        self._astray: dict[str, RecordedEvent] = {}
        """By stream: the first event that was not read in order of its version."""
        self._findings = 0
        self._position: Position | None = None

    async def everything(self) -> Verified:
        """Check all that was recorded until now."""
        end, after = await self._store.head(), None
        while end is not None and (after is None or after < end):
            page = await self._store.read_all(after=after, limit=_PAGE)
            for event in page.events:
                if event.position <= end:
                    self._take(event)
            self._progress(len(page.events))
            after = page.position
        self._position = end
        for stream, event in self._astray.items():
            await self._sort_out(stream, event)
        self._check_ends()
        return self._verified()

    async def stream(self, stream: str) -> Verified:
        """Check one stream."""
        self._ends = {name: end for name, end in self._ends.items() if name == stream}
        await self._go_through(stream)
        self._check_ends()
        return self._verified()

    def head(self, made_at: datetime) -> Head:
        """Where the streams ended, after `everything`."""
        ends = (StreamEnd(name, s.version, s.hash) for name, s in sorted(self._streams.items()))
        events, streams = self._checker.events, tuple(ends)
        return Head(1, self._identity, made_at, self._position, events, streams)

    def _take(self, event: RecordedEvent) -> None:
        name = event.stream
        if name in self._astray:
            return
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = StreamCheck()
        if event.version == stream.version + 1:
            self._check(stream, event)
        else:
            self._astray[name] = event

    async def _sort_out(self, stream: str, astray: RecordedEvent) -> None:
        """Check the rest of a stream by version, which the total order does not follow."""
        if not await self._go_through(stream):
            detail = "it does not stand behind the event before it, in the order of recording"
            self._tell(Finding(stream, astray.version, astray.id, "misplaced", detail))

    async def _go_through(self, name: str) -> set[Fault]:
        stream = self._streams.setdefault(name, StreamCheck())
        faults: set[Fault] = set()
        while stream.version < _LAST_VERSION:
            page = await self._store.read_stream(name, first=stream.version + 1, limit=_PAGE)
            if not page:
                break
            for event in page:
                faults |= self._check(stream, event)
            self._progress(len(page))
        return faults

    def _check(self, stream: StreamCheck, event: RecordedEvent) -> set[Fault]:
        findings = self._checker.check(stream, event)
        end = self._ends.get(event.stream)
        if end is not None and end.version == event.version:
            del self._ends[event.stream]
            if not findings and (hash_of(event.metadata) or "") != end.hash:
                detail = "the head has another event here: this was written anew, with the key"
                findings.append(_missing(end, end.version, "replaced", detail, event))
        for finding in findings:
            self._tell(finding)
        return {finding.fault for finding in findings}

    def _check_ends(self) -> None:
        """Find what the head has and the store has not."""
        for end in self._ends.values():
            stream = self._streams.get(end.stream)
            if stream is None or not stream.exists:
                detail = f"the stream is gone; it was at version {end.version}"
                self._tell(_missing(end, 0, "removed", detail))
            elif stream.version < end.version:
                detail = f"cut off after version {stream.version}; it was at version {end.version}"
                self._tell(_missing(end, stream.version + 1, "cut", detail))

    def _tell(self, finding: Finding) -> None:
        self._findings += 1
        self._report(finding)

    def _verified(self) -> Verified:
        streams = sum(stream.exists for stream in self._streams.values())
        return Verified(
            self._checker.events,
            streams,
            self._checker.proven,
            self._checker.unchained,
            self._findings,
            self._other_store,
        )


def _chained_from(head: Head | None) -> Position | None:
    """Where no event may be without a hash any more: whoever made the head makes hashes."""
    return None if head is None or head.position is None else Position(head.position)


def _missing(
    end: StreamEnd, version: int, fault: Fault, detail: str, event: RecordedEvent | None = None
) -> Finding:
    return Finding(end.stream, version, event.id if event else None, fault, detail)
