"""Walks a store from beginning to end and checks it, in memory bounded by the number of streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from event_store.chain import Chain, hash_of
from event_store.composite import context_of
from event_store.heads import Head, StreamEnd
from event_store.inspection import Stored, walk_of
from event_store.port import NO_VERSION, EventStore, Position, RecordedEvent
from event_store.verification import Checker, Fault, Finding, StreamCheck, finding_of

Report = Callable[[Finding], None]
Progress = Callable[[int], None]
"""Takes how many more events were checked."""

_LATE = "it does not stand behind the event before it, in the order of recording"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked, and how much of it was wrong."""

    events: int
    streams: int
    proven: int
    """Events that fit their hashes."""
    unchained: int
    """Events without hashes that may be of older software: nothing can be said of them."""
    findings: int
    other_store: bool
    """The head is of a store of another identity: this one was restored, or is not the same."""

    none_fits: bool
    """All was read, there are hashes, and not one is right: as with another key."""

    @property
    def sound(self) -> bool:
        """Whether each event is as it was recorded, for certain."""
        return self.findings == 0 and self.proven == self.events


class Verification:
    """Checks one store once."""

    def __init__(
        self,
        store: EventStore,
        identity: str,
        chain: Chain,
        report: Report,
        *,
        all_hashed: bool = False,
        against: Head | None = None,
        progress: Progress = lambda _: None,
        contexts: Collection[str] | None = None,
    ) -> None:
        """Report each finding at once.

        Args:
            store: to be checked.
            identity: of the store.
            chain: of the key that its events were recorded with.
            report: is told each finding.
            all_hashed: whether it is certain that each event was recorded with a hash.
            against: a head of this store made earlier.
            progress: is told how many more events were read.
            contexts: whose streams this store is for (None: all).
        """
        self._contexts = contexts
        self._walk = walk_of(store)
        self._identity = identity
        self._report = report
        self._progress = progress
        self._other_store = against is not None and against.store != identity
        ends = {end.stream: end for end in against.streams} if against else None
        self._checker = Checker(chain, all_hashed=all_hashed, ends=ends)
        self._ends = dict(ends or {})
        """Those that were not come by yet."""
        self._streams: dict[str, StreamCheck] = {}
        self._astray: dict[str, Position] = {}
        """By stream: where the first event stands that does not follow the one before it."""
        self._placeless = 0
        self._findings: Counter[Fault] = Counter()
        self._position: Position | None = None

    async def everything(self) -> Verified:
        """Check all that was recorded until now."""
        for damage in await self._walk.damage():
            self._tell(Finding("", NO_VERSION, None, "damaged", damage))
        self._position = await self._walk.end()
        if self._position is not None:
            async for page in self._walk.everything(self._position):
                for stored in page:
                    self._take(stored)
                self._progress(len(page))
        for stream, since in self._astray.items():
            await self._go_through(stream, since)
        self._check_ends()
        await self._check_gap()
        return self._verified()

    async def stream(self, stream: str) -> Verified:
        """Check one stream."""
        self._ends = {name: end for name, end in self._ends.items() if name == stream}
        await self._go_through(stream)
        self._check_ends()
        return self._verified(whole=False)

    def head(self, made_at: datetime) -> Head:
        """Where the streams ended, after `everything`."""
        ends = (StreamEnd(name, s.version, s.hash) for name, s in sorted(self._streams.items()))
        events, streams = self._checker.events, tuple(ends)
        return Head(1, self._identity, made_at, self._position, events, streams)

    def _take(self, stored: Stored) -> None:
        event = stored.event
        if event.version == NO_VERSION:
            self._name_placeless(stored)
        elif event.stream not in self._astray:
            stream = self._streams.get(event.stream)
            if stream is None:
                stream = self._streams[event.stream] = StreamCheck()
            if event.version == stream.version + 1:
                self._check(stream, stored)
            else:
                self._astray[event.stream] = event.position

    async def _go_through(self, name: str, since: Position | None = None) -> None:
        """Check a stream by version, which its positions may not follow; from a position on.

        Events without a version are named where all events are read.
        """
        stream = self._streams.setdefault(name, StreamCheck())
        last: Position | None = None
        async for page in self._walk.stream(name, since):
            for stored in page:
                event = stored.event
                if event.version == NO_VERSION:
                    if since is None:
                        self._name_placeless(stored)
                    continue
                again = event.version <= stream.version
                late = _LATE if last is not None and event.position < last else None
                self._check(stream, stored, late)
                last = last if again else event.position
            if since is None:
                self._progress(len(page))

    def _name_placeless(self, stored: Stored) -> None:
        self._placeless += 1
        detail = stored.changed or stored.misplaced or ""
        self._tell(finding_of(stored.event, "changed", detail))

    def _check(self, stream: StreamCheck, stored: Stored, late: str | None = None) -> None:
        event = stored.event
        findings = self._checker.check(stream, event)
        if all(finding.fault == "missing" for finding in findings):
            findings += self._check_place(stored, late)
        end = self._ends.get(event.stream)
        if end is not None and end.version == event.version:
            del self._ends[event.stream]
            if not findings and (hash_of(event.metadata) or "") != end.hash:
                detail = "the head has another event here: this was written anew, with the key"
                findings.append(_missing(end, end.version, "replaced", detail, event))
        for finding in findings:
            self._tell(finding)

    def _check_place(self, stored: Stored, late: str | None) -> list[Finding]:
        """What is wrong with an event that fits its hash."""
        if stored.changed:
            return [finding_of(stored.event, "changed", stored.changed)]
        misplaced = stored.misplaced or self._foreign(stored.event) or late
        return [finding_of(stored.event, "misplaced", misplaced)] if misplaced else []

    def _foreign(self, event: RecordedEvent) -> str | None:
        """Why the event should be in another store, if it should."""
        context = context_of(event.stream)
        if self._contexts is None or context in self._contexts:
            return None
        return f"it is not in the event store of {context}, where its stream is read"

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

    async def _check_gap(self) -> None:
        """Tell of events that are gone, where no finding says which."""
        if self._position is not None and not self._findings:
            gap = await self._walk.gap(self._position)
            if gap is not None:
                self._tell(Finding("", NO_VERSION, None, "missing", gap))

    def _tell(self, finding: Finding) -> None:
        self._findings[finding.fault] += 1
        self._report(finding)

    def _verified(self, *, whole: bool = True) -> Verified:
        streams = sum(stream.exists for stream in self._streams.values())
        return Verified(
            self._checker.events + self._placeless,
            streams,
            self._checker.proven,
            self._checker.unchained,
            self._findings.total(),
            self._other_store,
            whole and not self._checker.proven and self._findings["changed"] > 0,
        )


def _missing(
    end: StreamEnd, version: int, fault: Fault, detail: str, event: RecordedEvent | None = None
) -> Finding:
    return Finding(end.stream, version, event.id if event else None, fault, detail)
