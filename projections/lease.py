"""A rebuild tells others how far it is, for as long as it lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from read_side.port import Generation
from read_side.rebuild_port import RebuildPhase, RebuildStore

LEASE_SECONDS = 15.0
"""How long a rebuild that says nothing counts as being carried out."""
RENEW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is."""

    projection: str
    generation: int
    phase: RebuildPhase
    done: int
    """Events replayed."""
    total: int


class Lease:
    """What is said of a generation that this process rebuilds, or brings up to date."""

    def __init__(
        self,
        store: RebuildStore,
        generation: Generation,
        phase: RebuildPhase,
        *,
        total: int = 0,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        """Say it in this store, and to `report`."""
        self.generation = generation
        self.done = 0
        self._store = store
        self._phase: RebuildPhase = phase
        self._total = total
        self._report = report

    def replayed(self, events: int) -> None:
        """So many more events were replayed."""
        self.done += events
        if self._total:
            self._total = max(self._total, self.done)
        self._tell()

    async def enter(self, phase: RebuildPhase) -> None:
        """The next phase begins."""
        self._phase = phase
        self._tell()
        await self._say()

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Renew the lease meanwhile.

        Raises:
            UnknownGeneration: the generation was dropped all the same.
        """
        await self._say()
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew())
                yield
                renewing.cancel()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._say()

    async def _say(self) -> None:
        await self._store.report_rebuild(
            self.generation,
            self._phase,
            done=self.done,
            total=self._total,
            lease_seconds=LEASE_SECONDS,
        )

    def _tell(self) -> None:
        name, number = self.generation.projection, self.generation.number
        self._report(Progress(name, number, self._phase, self.done, self._total))
