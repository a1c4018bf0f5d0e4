"""How fresh an answer is: read-your-writes, and the lag of the projections behind an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from contracts.errors import Refused
from contracts.parked import ParkedStream
from read_side.port import Documents

FRESH_SECONDS = 1.0
"""Without a token, an answer is fresh when its projections lag at most this much."""
_LAG_REUSED_SECONDS = 0.25
_LAG_WAIT_SECONDS = 0.5
_UNKNOWN_SECONDS = 0.5
"""How long a lag counts as unknown once it was: no query waits again for a store that is down."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Write:
    """What a consistency token names: a version of a stream, and where in which event store it is.

    `position` is None where the command wrote nothing new.
    """

    store: str
    stream: str
    version: int
    position: str | None


@dataclass(frozen=True, slots=True)
class RebuildState:
    """A rebuild as operators see it.

    `phase`: `starting`, `loading`, `following` (it waits for the running server to write to it as
    well, and compares), `built` (it waits for a switch) or `failed`. An `error` says why it failed,
    or what keeps it from being switched to.
    """

    generation: int | None
    phase: str
    done: int
    """Events replayed."""
    total: int
    """Of how many; 0: not known."""
    error: str | None


@dataclass(frozen=True, slots=True)
class ProjectionState:
    """A projection as operators see it.

    `generation` is None while nothing is active; `lag_seconds` is None when it is not known.
    """

    name: str
    generation: int | None
    state: str
    lag_seconds: float | None
    parked: int
    rebuild: RebuildState | None = None
    """What is being built beside what answers, or was built and not switched to."""
    partitions: Mapping[str, str] = field(default_factory=dict[str, str])
    """The position that it has come to in each partition (`order/3/6`); none in one process."""


def rebuild_under_way(projection: str) -> Refused:
    """What is answered to whoever asks for a second rebuild of a projection."""
    return Refused(f"{projection} is being rebuilt.", code="rebuild-under-way")


def paused(projection: str) -> Refused:
    """What is answered to whoever wants to rebuild a projection that stands still."""
    return Refused(f"{projection} is paused; resume it first.", code="paused")


class Projections(Protocol):
    """What the query side asks of the projections.

    `shows` and `lag` answer False and None when a store can't be reached; the others raise what the
    store raises.
    """

    async def shows(self, projection: str, write: Write, timeout: float) -> bool:  # noqa: ASYNC109
        """Whether the projection's documents show the write, waiting at most `timeout` seconds.

        At once True for a stream that the projection does not consume; at once False for a parked
        stream and for a token of another store identity.
        """
        ...

    async def lag(self, projection: str) -> float | None:
        """Age in seconds of the oldest recorded event that the projection does not show yet.

        None when that is not known, or when the documents were made by other code or from another
        event store: then they are never fresh.
        """
        ...

    async def states(self) -> Sequence[ProjectionState]:
        """All projections, by name."""
        ...

    async def parked(self) -> Sequence[ParkedStream]:
        """All parked streams, oldest first."""
        ...

    async def start_rebuild(self, projection: str) -> None:
        """Let a projection be rebuilt, and return at once; `states` tells how far it is.

        Raises:
            Refused: it is being rebuilt already (`rebuild-under-way`), or `paused`.
        """
        ...

    async def retry(self, parked_id: str) -> bool:
        """Ask the owner to try the parked event again; False when nothing of that id is parked."""
        ...

    async def discard(self, parked_id: str, reason: str) -> bool:
        """Ask the owner to give the event up; False when nothing of that id is parked."""
        ...


@dataclass(frozen=True, slots=True)
class _Measured:
    at: float
    lag: float

    def at_most(self, now: float) -> float:
        """What the lag can have grown to since."""
        return self.lag + now - self.at


class Freshness:
    """Decides, before a query reads, how fresh its answer will be; waits for a write if asked."""

    def __init__(
        self,
        projections: Projections,
        documents: Documents,
        *,
        wait_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wait at most `wait_seconds` for a write to be shown."""
        self._projections = projections
        self._documents = documents
        self._wait = wait_seconds
        self._clock = clock
        self._started = _Measured(clock(), 0.0)
        self._measured: dict[str, _Measured] = {}
        self._measuring: dict[str, asyncio.Future[_Measured | None]] = {}
        self._unknown_until: dict[str, float] = {}

    async def behind(
        self, names: Sequence[str], write: Write | None, *, searching: bool
    ) -> float | None:
        """None when the projections named are fresh, otherwise how many seconds they may lack.

        With a write, fresh means that they all show it: this waits for that, and when the query is
        a search, until searches find it. It never fails for want of freshness.

        Raises:
            ReadStoreUnavailable: the read store could not make the write searchable.
        """
        if write is None:
            lag = await self._lag(names)
            return None if lag <= FRESH_SECONDS else lag
        started = self._clock()
        if await self._shown(names, write):
            if searching:
                await asyncio.gather(*map(self._documents.refresh, names))
            return None
        return max(await self._lag(names), self._clock() - started)

    async def _shown(self, names: Sequence[str], write: Write) -> bool:
        asked = (self._projections.shows(name, write, self._wait) for name in names)
        try:
            # The port keeps the limit itself; the second one is for a store that hangs.
            async with asyncio.timeout(self._wait + _LAG_WAIT_SECONDS):
                return all(await asyncio.gather(*asked))
        except Exception as error:  # noqa: BLE001 - not knowing never fails a query
            _log.warning("whether a write is shown is not known", error=repr(error))
            return False

    async def _lag(self, names: Sequence[str]) -> float:
        return max([await self._lag_of(name) for name in names], default=0.0)

    async def _lag_of(self, name: str) -> float:
        """The lag, or when it can't be measured now, what it can have grown to since it was."""
        last = self._measured.get(name, self._started)
        now = self._clock()
        recent = name in self._measured and now - last.at <= _LAG_REUSED_SECONDS
        if recent and last.at_most(now) <= FRESH_SECONDS:
            return last.at_most(now)
        unknown = now < self._unknown_until.get(name, now)
        found = None if unknown else await self._measured_once(name)
        if found is None:
            return max(last.at_most(self._clock()), FRESH_SECONDS + 1)
        return found.lag if found.at >= now else found.at_most(now)

    async def _measured_once(self, name: str) -> _Measured | None:
        """Measure, or wait for who is measuring: many may ask at once, and each asks two stores."""
        measuring = self._measuring.get(name)
        if measuring is None:
            measuring = self._measuring[name] = asyncio.ensure_future(self._measure(name))
            measuring.add_done_callback(lambda _: self._measuring.pop(name, None))
        return await asyncio.shield(measuring)

    async def _measure(self, name: str) -> _Measured | None:
        began = self._clock()
        try:
            async with asyncio.timeout(_LAG_WAIT_SECONDS):
                lag = await self._projections.lag(name)
        except Exception as error:  # noqa: BLE001 - not knowing never fails a query
            _log.warning("the lag is not known", projection=name, error=repr(error))
            lag = None
        if lag is None:
            self._unknown_until[name] = self._clock() + _UNKNOWN_SECONDS
            return None
        self._measured[name] = _Measured(began, lag)
        return self._measured[name]
