"""Rebuilds of projections: here, or in a process of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from bootstrap.kafka import number_of_in
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.replay_processes import cores, in_processes
from bootstrap.settings import Settings
from event_store.port import WholeEventStore
from projections.compare import Comparison
from projections.lease import Progress
from projections.projector import AnyProjector
from projections.rebuild import Outcome, Rebuilder
from projections.replay import InShares
from read_side.freshness import RebuildState, rebuild_under_way
from read_side.rebuild_port import WholeReadStore

_NICE = 10
"""Beside a server, a rebuild takes what the server leaves. Alone it loses nothing."""
_ERROR_BYTES = 2_000
_log = structlog.get_logger(__name__)


class Rebuilds:
    """Rebuilds, compares and switches, while others keep the projections up to date or not.

    In one process, whoever has the data folder owns the projections, and where nobody has, this
    process takes it. With Kafka the owners are the projectors, each of its partitions, and which of
    them run can't be known for certain: this process never takes their place, but waits for them.
    """

    def __init__(
        self,
        settings: Settings,
        events: WholeEventStore,
        read_store: WholeReadStore,
        projectors: Mapping[str, AnyProjector],
    ) -> None:
        """Work on these stores."""
        self._settings = settings
        self._events = events
        self._read_store = read_store
        self._projectors = projectors

    async def rebuild(
        self,
        projection: str,
        *,
        switch: bool,
        report: Callable[[Progress], None],
        processes: int | None = None,
    ) -> Outcome:
        """Replay a projection; this process gives way to others from now on.

        `processes` help where the read store takes several, as many as the settings say if it is
        None. See `Rebuilder.rebuild`.
        """
        _give_way()
        number = processes or self._settings.rebuild_processes or cores()
        with self._rebuilder(report, in_processes(self._settings, number)) as rebuilder:
            return await rebuilder.rebuild(self._projectors[projection], switch=switch)

    async def compare(self, projection: str) -> Comparison:
        """Compare two generations; see `Rebuilder.compare`."""
        with self._rebuilder() as rebuilder:
            return await rebuilder.compare(self._projectors[projection])

    async def switch(self, projection: str) -> Outcome:
        """Switch to what was built; see `Rebuilder.switch`."""
        with self._rebuilder() as rebuilder:
            return await rebuilder.switch(self._projectors[projection])

    async def rollback(self, projection: str) -> Outcome:
        """Switch back; see `Rebuilder.rollback`."""
        with self._rebuilder() as rebuilder:
            return await rebuilder.rollback(self._projectors[projection])

    @contextmanager
    def _rebuilder(
        self,
        report: Callable[[Progress], None] = lambda progress: None,
        in_shares: InShares | None = None,
    ) -> Generator[Rebuilder]:
        with ExitStack() as stack:
            owned: list[bool] = []

            def own() -> bool:
                if self._settings.kafka is not None:
                    return False  # The projectors own it; none of them may be running.
                if not owned:
                    try:
                        stack.enter_context(owning(self._settings.data))
                    except AlreadyOwned:
                        return False
                    owned.append(True)
                return True

            yield Rebuilder(
                self._events,
                self._read_store,
                self._events.count,
                own=own,
                report=report,
                in_shares=in_shares,
                number_of=number_of_in(self._settings),
            )


def _give_way() -> None:
    if os.getpriority(os.PRIO_PROCESS, 0) < _NICE:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rebuild that was asked for: what there was before it began, by generation."""

    serving: int | None
    left: int | None
    """What an earlier rebuild has left beside it."""


class _Told(msgspec.Struct):
    """What a rebuild says of itself, as far as it concerns the server.

    There is no error where something is parked in what was built: the read store tells that.
    """

    error: str | None


class RebuildProcesses:
    """Rebuilds that a server was asked for: each in a process, so that requests don't wait."""

    def __init__(self, folder: Path) -> None:
        """Rebuild the read models of this folder."""
        self._folder = folder
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, _Asked] = {}
        self._errors: dict[str, str] = {}

    def state(
        self, projection: str, serving: int | None, at: RebuildState | None
    ) -> RebuildState | None:
        """A rebuild as the read store tells it (`at`), with what only its process can tell.

        Until a rebuild that was asked for has begun, what another one has left counts for nothing.
        A failure is told until another generation serves than did when it began.
        """
        asked = self._asked.get(projection)
        if asked is None:
            return at
        if asked.serving != serving:
            self._errors.pop(projection, None)
            return at
        if projection in self._running:
            begun = at is not None and at.generation != asked.left
            return at if begun else RebuildState(None, "starting", 0, 0, None)
        error = self._errors.get(projection)
        if error is None or (at is not None and (at.error or at.phase != "built")):
            return at
        return replace(at or RebuildState(None, "failed", 0, 0, None), error=error)

    def start(self, projection: str, serving: int | None, left: int | None) -> None:
        """Begin to rebuild.

        Args:
            projection: its name.
            serving: the generation that answers queries.
            left: the generation that an earlier rebuild has left beside it.

        Raises:
            Refused: it is under way.
        """
        ending = self._running.get(projection)
        if ending is not None and self._asked[projection].serving == serving:
            raise rebuild_under_way(projection)
        self._errors.pop(projection, None)
        self._asked[projection] = _Asked(serving, left)
        # The next one to ask must find it here, so nothing is awaited until then.
        self._running[projection] = asyncio.create_task(self._run(projection, ending))

    async def close(self) -> None:
        """End what is running; its generations are dropped."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, projection: str, ending: asyncio.Task[None] | None) -> None:
        """Rebuild, once the process is gone that has switched before."""
        try:
            if ending is not None:
                await ending
            error = await self._rebuilt(projection)
        except OSError as failed:
            error = f"no process could be started: {failed}"
        finally:
            if self._running[projection] is asyncio.current_task():
                del self._running[projection]
        if error is not None:
            self._errors[projection] = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {error}"
            _log.error("a rebuild failed", projection=projection, error=error)

    async def _rebuilt(self, projection: str) -> str | None:
        """Run the process to its end; why it failed, if it did."""
        process = await asyncio.create_subprocess_exec(
            *("nice", f"-n{_NICE}", sys.executable, "-m", "bootstrap.main"),
            *("projections", "rebuild", projection, "--json"),
            env={**os.environ, "ORDERLOG_DATA": str(self._folder.absolute())},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            outcomes, told = await process.communicate()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            raise
        if not process.returncode:
            return None
        try:
            [outcome] = msgspec.json.decode(outcomes, type=list[_Told])
        except (msgspec.DecodeError, ValueError):
            last = told.decode(errors="replace").strip()[-_ERROR_BYTES:].rpartition("\n")[2]
            return last or f"it ended with exit code {process.returncode}"
        return outcome.error
