"""Brings one generation of a projection forward: batches, checkpoints, parked streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from contracts.parked import ParkedStream
from contracts.registry import category_of
from event_store.errors import EventStoreUnavailable
from event_store.port import EventStore, RecordedEvent
from projections.fold import Fold, Known
from projections.projector import AnyProjector
from read_side.port import (
    Checkpoint,
    Discard,
    DocumentRefused,
    Generation,
    Stored,
    WriteBatch,
    WriteConflict,
)
from read_side.rebuild_port import GenerationWriter

PAGE = 500
"""Events of a stream that are read and written at once when it is caught up with."""
MAX_CONFLICTS = 20
"""Conflicts in a row after which a batch is given back to the runner, which tries again later."""

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class EventsGone(Exception):
    """The event store has later events of a stream, but lacks these: they were truncated."""

    def __init__(self, versions: range) -> None:
        super().__init__(
            f"events {versions[0]} to {versions[-1]} of the stream are gone from the event store, "
            "later ones are there; a discard shows it without them"
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """What one write takes care of."""

    events: Sequence[RecordedEvent]
    checkpoints: Sequence[Checkpoint] = ()
    retried: str | None = None
    """A parked stream that these events are of."""
    flows: bool = False
    """Whether the retried stream is no longer parked when these events are done."""

    def halves(self) -> tuple[_Work, _Work]:
        """The same in two steps."""
        middle = len(self.events) // 2
        begin = _Work(self.events[:middle], retried=self.retried)
        return begin, replace(self, events=self.events[middle:])


class Engine:
    """Projects events into a generation, any number of times in any batches.

    One engine owns a generation, or those streams of it that its source brings. Errors of the
    stores are raised and nothing is lost: the same call again does what is left to do. Calls must
    not overlap.
    """

    def __init__(
        self,
        projector: AnyProjector,
        generation: Generation,
        event_store: EventStore,
        projection_store: GenerationWriter,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._projector = projector
        self._generation = generation
        self._events = event_store
        self._store = projection_store
        self._now = now
        self._known: Known | None = None
        self._passed_over: dict[str, ParkedStream] = {}
        """Streams that were known as parked, so that their events were passed over."""

    async def has_parked(self) -> bool:
        """Whether streams are parked, or were when it was last looked."""
        return bool((await self._recall()).parked or self._passed_over)

    async def process(self, events: Sequence[RecordedEvent], *checkpoints: Checkpoint) -> None:
        """Project events, in order within each stream, and move the checkpoints with them.

        Events of categories that the projector is not made from are passed over.

        Raises:
            EventStoreUnavailable, ReadStoreUnavailable: nothing is lost, call again later.
            WriteConflict: others wrote the same documents again and again; call again later.
        """
        ours = [e for e in events if category_of(e.stream) in self._projector.categories]
        await self._do(_Work(ours, checkpoints))

    def forget(self) -> None:
        """Read anew what others may have written meanwhile: parked streams, and what was given up.

        An engine remembers them for as long as nobody else writes to its streams.
        """
        self._known = None

    async def carry_out_requests(self, owns: Callable[[str], bool] = lambda stream: True) -> None:
        """Do what operators asked for parked streams: try them again, or give an event up.

        Those streams only that `owns` says are this engine's.

        Raises:
            EventStoreUnavailable, ReadStoreUnavailable, WriteConflict: as `process`; what was not
                done stays requested.
        """
        self._known = None
        still = (await self._recall()).parked
        for parked in [it for it in self._passed_over.values() if it.stream not in still]:
            # Who owned it before let it flow again, and need not have seen what came since.
            if owns(parked.stream):
                await self._resume(parked)
            else:
                del self._passed_over[parked.stream]
        for parked in still.values():
            if parked.request is None or not owns(parked.stream):
                continue
            log.info("parked stream: request", parked=parked.id, request=parked.request)
            if parked.request == "discard":
                await self._give_up(parked)
            await self._resume(parked)

    async def _give_up(self, parked: ParkedStream) -> None:
        reason = parked.reason or "no reason given"
        await self._store.discard(
            Discard(self._projector.name, parked.stream, parked.version, reason)
        )
        self._known = None

    async def _resume(self, parked: ParkedStream) -> None:
        """Project the stream from the parked event to its end, then let it flow again.

        What lies after the checkpoint comes again later and is a repeat then.
        """
        stream, first = parked.stream, parked.version
        while True:
            page = await self._events.read_stream(stream, first=first, limit=PAGE)
            at_end = len(page) < PAGE
            stuck = await self._do(_Work(page, retried=stream, flows=at_end))
            if at_end or stuck:
                return
            first = page[-1].version + 1

    async def _do(self, work: _Work) -> bool:
        """Write what the work brings about; whether a stream had to be parked."""
        for _ in range(MAX_CONFLICTS):
            try:
                return await self._attempt(work)
            except WriteConflict:
                continue
            except DocumentRefused as refused:
                if len(work.events) > 1:
                    return await self._in_halves(work)
                return await self._attempt(work, refused)
        return await self._attempt(work)

    async def _in_halves(self, work: _Work) -> bool:
        begin, rest = work.halves()
        stuck = await self._do(begin)
        if stuck and work.retried is not None:
            return True
        return await self._do(rest) or stuck

    async def _attempt(self, work: _Work, refused: DocumentRefused | None = None) -> bool:
        known = await self._recall()
        fold = await self._fold(work, known)
        if fold.parked and (discarded := await self._discarded()) != known.discarded:
            known = replace(known, discarded=discarded)
            fold = await self._fold(work, known)
        if refused is not None:
            fold.park(fold.first_applied(refused.key), refused)
        batch = WriteBatch(
            puts=fold.puts(without=() if refused is None else (refused.key,)),
            checkpoints=work.checkpoints,
            park=tuple(fold.parked.values()),
            unpark=(work.retried,) if work.retried and work.flows and not fold.parked else (),
        )
        if batch.puts or batch.checkpoints or batch.park or batch.unpark:
            await self._write(batch, known)
        return bool(fold.parked)

    async def _write(self, batch: WriteBatch, known: Known) -> None:
        self._known = None  # Until the write has succeeded it is open what the store holds.
        await self._store.write(self._generation, batch)
        parked = {stream: it for stream, it in known.parked.items() if stream not in batch.unpark}
        parked |= {it.stream: it for it in batch.park}
        self._know(replace(known, parked=parked))
        for stream in batch.unpark:
            self._passed_over.pop(stream, None)
        for it in batch.park:
            log.warning(
                "stream parked: its event can't be projected, everything else goes on",
                parked=it.id,
                version=it.version,
                error=it.error.partition(":")[0],
            )
        for stream in batch.unpark:
            log.info("stream flows again", projection=self._projector.name, stream=stream)

    async def _fold(self, work: _Work, known: Known) -> Fold:
        parked = {name: it for name, it in known.parked.items() if name != work.retried}
        known = replace(known, parked=parked)
        streams: dict[str, list[RecordedEvent]] = {}
        for event in work.events:
            streams.setdefault(event.stream, []).append(event)
        for stream in parked.keys() & streams.keys():
            del streams[stream]
        fold = Fold(self._projector, known, await self._load(self._keys(streams)), self._now)
        for stream, events in streams.items():
            await self._apply(fold, known, stream, events)
        return fold

    async def _apply(
        self, fold: Fold, known: Known, stream: str, events: Sequence[RecordedEvent]
    ) -> None:
        """Apply events of a stream, and before them those of it that have not come.

        What the store has lost for good parks the stream, until that is given up.
        """
        while gap := fold.apply_stream(stream, events):
            missed = await self._missed(stream, gap)
            gone = range(gap[0], missed[0].version)
            if not gone:
                # What comes before the gap is a repeat then.
                events = [*missed, *events]
            elif gone[0] in known.discarded.get(stream, ()):
                fold.leave_out(stream, gone)
            else:
                fold.park(replace(missed[0], version=gone[0]), EventsGone(gone))
                return

    def _keys(self, streams: Mapping[str, Sequence[RecordedEvent]]) -> Sequence[str]:
        keys: dict[str, None] = {}
        for stream, events in streams.items():
            key = self._projector.key_of(stream)
            if key is None:
                keys.update((str(event.id), None) for event in events)
            else:
                keys[key] = None
        return list(keys)

    async def _load(self, keys: Sequence[str]) -> Mapping[str, Stored]:
        return await self._store.load(self._generation, keys) if keys else {}

    async def _missed(self, stream: str, gap: range) -> Sequence[RecordedEvent]:
        """Events of the gap, or one after it.

        A copy of the store that lags lacks the end of a stream: the first of the gap is gone for
        good where one answer has later events without it.
        """
        missed = await self._events.read_stream(stream, first=gap[0], last=gap[-1])
        if not missed:
            missed = await self._events.read_stream(stream, first=gap[0], limit=1)
        if not missed:
            raise EventStoreUnavailable(f"events of {stream} can't be read yet: {gap}")
        return missed

    async def _recall(self) -> Known:
        if self._known is None:
            parked = await self._store.parked(self._generation)
            return self._know(
                Known(
                    store=await self._events.identity(),
                    parked={it.stream: it for it in parked},
                    discarded=await self._discarded(),
                )
            )
        return self._known

    def _know(self, known: Known) -> Known:
        self._known = known
        self._passed_over |= known.parked
        return known

    async def _discarded(self) -> Mapping[str, frozenset[int]]:
        versions: dict[str, frozenset[int]] = {}
        for one in await self._store.discards(self._projector.name):
            versions[one.stream] = versions.get(one.stream, frozenset()) | {one.version}
        return versions
