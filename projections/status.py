"""What operators see of projections, and what they ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from contracts.parked import ParkedRequest, ParkedStream
from event_store.partitions import NumberOf
from event_store.port import EventStore
from projections.engine import utc_now
from projections.generations import active_of, is_trusted
from projections.projector import AnyProjector, fingerprint
from projections.shown import Shown, oldest_missing, what_is_shown
from read_side.port import Generation
from read_side.rebuild_port import Rebuild, RebuildStore

ProjectionState = Literal["live", "paused", "building", "stale-code"]


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """How a projection stands. `generation` is the one that answers queries, if any does.

    State `building`: no generation made from this event store answers queries yet. `stale-code`:
    the one that does was made by other code and stands still until a new one is built.
    """

    name: str
    generation: int | None
    state: ProjectionState
    lag_seconds: float
    """Age of the oldest recorded event that is not shown yet; 0.0 when all are."""
    parked: int
    """Streams that wait for an operator."""
    rebuild: Rebuild | None = None
    """What is being built beside it, or was built and not switched to."""
    partitions: Mapping[str, str] = field(default_factory=dict[str, str])
    """How far it has come in each partition (`order/3/6`); none where it is fed as a whole."""


class Projections:
    """The projections of one event store, seen and steered from outside."""

    def __init__(
        self,
        event_store: EventStore,
        projection_store: RebuildStore,
        projectors: Mapping[str, AnyProjector],
        *,
        now: Callable[[], datetime] = utc_now,
        number_of: NumberOf | None = None,
    ) -> None:
        """Look at these stores; `number_of` tells a stream's partition, where owners have some.

        Without it, the lag may count events that are shown, until all partitions are as far.
        """
        self._events = event_store
        self._store = projection_store
        self._projectors = projectors
        self._now = now
        self._number_of = number_of

    async def list(self) -> Sequence[ProjectionStatus]:
        """The status of all projections."""
        return [await self.status(name) for name in self._projectors]

    async def status(self, name: str) -> ProjectionStatus:
        """The status of one projection.

        Raises:
            KeyError: there is no such projection.
            EventStoreUnavailable, ReadStoreUnavailable: it can't be told now.
        """
        projector = self._projectors[name]
        active = active_of(await self._store.generations(name))
        trusted = active is not None and await self._is_trusted(active)
        if await self._store.is_paused(name):
            state: ProjectionState = "paused"
        elif active is None or not trusted:
            state = "building"
        else:
            state = "live" if active.fingerprint == fingerprint(projector) else "stale-code"
        shown = await self._shown(active) if active is not None and trusted else Shown({})
        return ProjectionStatus(
            name=name,
            generation=None if active is None else active.number,
            state=state,
            lag_seconds=await self._lag(projector, shown),
            parked=len(await self.parked(name)),
            rebuild=await self.rebuild(name),
            partitions=shown.partitions,
        )

    async def rebuild(self, name: str) -> Rebuild | None:
        """The newest rebuild that was not abandoned.

        Raises:
            ReadStoreUnavailable: it can't be told now.
        """
        rebuilds = await self._store.rebuilds(name)
        under_way = [one for one in rebuilds if not one.is_abandoned(self._now())]
        return under_way[-1] if under_way else None

    async def lag(self, name: str) -> float:
        """Seconds since the oldest event that is not shown was recorded; 0.0 when all are shown.

        Raises: as `status`.
        """
        active = active_of(await self._store.generations(name))
        trusted = active is not None and await self._is_trusted(active)
        shown = await self._shown(active) if active is not None and trusted else Shown({})
        return await self._lag(self._projectors[name], shown)

    async def parked(self, name: str | None = None) -> Sequence[ParkedStream]:
        """The parked streams of one projection or of all, oldest first.

        A stream that is parked in the generation that serves and in one being built counts once.
        """
        names = self._projectors if name is None else (name,)
        streams: dict[str, ParkedStream] = {}
        for one in names:
            for generation in await self._generations_in_use(one):
                for it in await self._store.parked(generation):
                    streams.setdefault(it.id, it)
        return sorted(streams.values(), key=lambda it: it.parked_at)

    async def request(
        self, parked_id: str, request: ParkedRequest, reason: str | None = None
    ) -> bool:
        """Ask for a parked stream, named `<projection>:<stream>`, to be tried again or given up.

        It is carried out soon, by the runner. False when nothing of that name is parked.
        """
        name, _, stream = parked_id.partition(":")
        found = False
        if name in self._projectors:
            for generation in await self._generations_in_use(name):
                found |= await self._store.request(generation, stream, request, reason)
        return found

    async def pause(self, name: str) -> None:
        """Let the projection stand still; what it shows grows old."""
        await self._store.set_paused(self._projectors[name].name, True)

    async def resume(self, name: str) -> None:
        """Let the projection go on."""
        await self._store.set_paused(self._projectors[name].name, False)

    async def _generations_in_use(self, name: str) -> Sequence[Generation]:
        generations = await self._store.generations(name)
        rebuilds = await self._store.rebuilds(name)
        # A generation that is being loaded belongs to whoever loads it.
        loading = {it.generation.number for it in rebuilds if it.phase == "loading"}
        return sorted(
            (one for one in generations if one.state != "retired" and one.number not in loading),
            key=lambda one: one.state != "active",
        )

    async def _is_trusted(self, generation: Generation) -> bool:
        return await is_trusted(self._events, self._store, generation)

    async def _shown(self, generation: Generation) -> Shown:
        return await what_is_shown(self._store, generation, self._number_of)

    async def _lag(self, projector: AnyProjector, shown: Shown) -> float:
        missing = await oldest_missing(self._events, shown, projector.categories)
        if missing is None:
            return 0.0
        return max(0.0, (self._now() - missing.recorded_at).total_seconds())
