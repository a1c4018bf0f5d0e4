"""Projections and policies as queries and operators see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.http.health import NotReady
from bootstrap.kafka import number_of_in
from bootstrap.rebuilds import RebuildProcesses, Rebuilds
from bootstrap.settings import Settings
from contracts.parked import ParkedRequest, ParkedStream
from event_store.composite import part_for
from event_store.errors import EventStoreError
from event_store.port import WholeEventStore
from projections.generations import active_of, is_trusted
from projections.progress import ReadProgress
from projections.projector import AnyProjector, fingerprint
from projections.status import Projections, ProjectionStatus
from read_side.freshness import (
    ProjectionState,
    RebuildState,
    Write,
    paused,
    rebuild_under_way,
)
from read_side.port import Generation, ReadStoreError, UnknownGeneration
from read_side.rebuild_port import WholeReadStore

_PARKED_TOLD = 10


class Operations(Rebuilds):
    """The read side's `Projections` port, with what operators can ask of it.

    Parked streams are those of projections and those of policies: both are retried or discarded
    by their id.
    """

    def __init__(
        self,
        settings: Settings,
        events: WholeEventStore,
        read_store: WholeReadStore,
        projectors: Mapping[str, AnyProjector],
    ) -> None:
        """Look at these stores."""
        super().__init__(settings, events, read_store, projectors)
        self._processes = RebuildProcesses(settings.data)
        number_of = number_of_in(settings)
        self._status = Projections(events, read_store, projectors, number_of=number_of)
        self._progress = ReadProgress(
            events, read_store, read_store, projectors, number_of=number_of
        )

    async def shows(self, projection: str, write: Write, timeout: float) -> bool:  # noqa: ASYNC109
        """Whether the documents show the write, waiting at most `timeout` seconds."""
        try:
            if write.store != part_for(await self._events.identity(), write.stream):
                return False
        except EventStoreError:
            return False
        return await self._progress.shows(
            projection, write.stream, write.version, write.position, timeout
        )

    async def lag(self, projection: str) -> float | None:
        """Age in seconds of the oldest recorded event that is not shown; None: not known.

        Documents made by other code, or from another event store, may lack anything.
        """
        try:
            active = active_of(await self._read_store.generations(projection))
            if active is None or active.fingerprint != fingerprint(self._projectors[projection]):
                return None
            if not await is_trusted(self._events, self._read_store, active):
                return None
        except (EventStoreError, ReadStoreError):
            return None
        return await self._progress.lag(projection)

    async def states(self) -> Sequence[ProjectionState]:
        """All projections, by name."""
        return [await self._state_of(status) for status in await self._status.list()]

    async def start_rebuild(self, projection: str) -> None:
        """Rebuild a projection in a process of its own.

        Raises:
            KeyError: there is none of this name.
            Refused: it is being rebuilt, here or by another process, or it is paused.
        """
        status = await self._status.status(projection)
        left = status.rebuild
        if left is not None and left.phase != "built":
            raise rebuild_under_way(projection)
        if status.state == "paused":
            raise paused(projection)
        number = None if left is None else left.generation.number
        self._processes.start(projection, status.generation, number)

    async def close(self) -> None:
        """End the rebuilds that were started."""
        await self._processes.close()

    async def pause(self, projection: str) -> None:
        """Let a projection stand still.

        Raises:
            KeyError: there is none of this name.
        """
        await self._status.pause(projection)

    async def resume(self, projection: str) -> None:
        """Let a projection go on.

        Raises:
            KeyError: there is none of this name.
        """
        await self._status.resume(projection)

    async def parked(self) -> Sequence[ParkedStream]:
        """All parked streams, oldest first."""
        streams = [*await self._status.parked(), *await self._events.parked()]
        return sorted(streams, key=lambda parked: parked.parked_at)

    async def retry(self, parked_id: str) -> bool:
        """Ask for a parked event to be tried again; False when nothing of that id is parked."""
        return await self._request(parked_id, "retry", None)

    async def discard(self, parked_id: str, reason: str) -> bool:
        """Ask for a parked event to be given up; False when nothing of that id is parked."""
        return await self._request(parked_id, "discard", reason)

    async def _request(self, parked_id: str, request: ParkedRequest, reason: str | None) -> bool:
        return await self._status.request(parked_id, request, reason) or await self._events.request(
            parked_id, request, reason
        )

    async def check(self) -> None:
        """Return when every projection can answer queries; the event store is not asked.

        Raises:
            NotReady: one can't.
            ReadStoreError: the read store does not answer.
        """
        missing = [
            name
            for name in self._projectors
            if active_of(await self._read_store.generations(name)) is None
        ]
        if missing:
            raise NotReady(f"not built yet: {', '.join(missing)}")

    async def _state_of(self, status: ProjectionStatus) -> ProjectionState:
        rebuild = await self._rebuild_of(status)
        return ProjectionState(
            name=status.name,
            generation=status.generation,
            state=status.state,
            lag_seconds=status.lag_seconds,
            parked=status.parked,
            rebuild=self._processes.state(status.name, status.generation, rebuild),
            partitions=status.partitions,
        )

    async def _rebuild_of(self, status: ProjectionStatus) -> RebuildState | None:
        at = status.rebuild
        if at is None:
            return None
        error = await self._kept_back(at.generation) if at.phase == "built" else None
        return RebuildState(at.generation.number, at.phase, at.done, at.total, error)

    async def _kept_back(self, generation: Generation) -> str | None:
        """What keeps a generation that was built from being switched to, if anything does."""
        try:
            parked = await self._read_store.parked(generation)
        except UnknownGeneration:
            return None
        told = [f"{one.id} at version {one.version}: {one.error}" for one in parked]
        return "; ".join(told[:_PARKED_TOLD]) or None
