"""Rebuilds of one data folder's projections: here, or in a process of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog

from bootstrap.ownership import AlreadyOwned, owning
from event_store.port import WholeEventStore
from projections.compare import Comparison
from projections.lease import Progress
from projections.projector import AnyProjector
from projections.rebuild import Outcome, Rebuilder
from read_side.freshness import RebuildState
from read_side.sqlite import SqliteReadStore

_NICE = 10
"""Beside a server, a rebuild takes what the server leaves. Alone it loses nothing."""
_ERROR_BYTES = 2_000
_log = structlog.get_logger(__name__)


class Rebuilds:
    """Rebuilds, compares and switches, while a server may be running on the folder or not."""

    def __init__(
        self,
        folder: Path,
        events: WholeEventStore,
        read_store: SqliteReadStore,
        projectors: Mapping[str, AnyProjector],
    ) -> None:
        """Work on these stores of the folder."""
        self._folder = folder
        self._events = events
        self._read_store = read_store
        self._projectors = projectors

    async def rebuild(
        self, projection: str, *, switch: bool, report: Callable[[Progress], None]
    ) -> Outcome:
        """Replay a projection in this process, which gives way to others from now on.

        See `Rebuilder.rebuild`.
        """
        _give_way()
        with self._rebuilder(report) as rebuilder:
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
        self, report: Callable[[Progress], None] = lambda progress: None
    ) -> Generator[Rebuilder]:
        with ExitStack() as stack:
            owned: list[bool] = []

            def own() -> bool:
                if not owned:
                    try:
                        stack.enter_context(owning(self._folder))
                    except AlreadyOwned:
                        return False
                    owned.append(True)
                return True

            yield Rebuilder(
                self._events, self._read_store, self._events.count, own=own, report=report
            )


def _give_way() -> None:
    if os.getpriority(os.PRIO_PROCESS, 0) < _NICE:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)


class RebuildProcesses:
    """Rebuilds that a server was asked for: each in a process, so that requests don't wait."""

    def __init__(self, folder: Path) -> None:
        """Rebuild the read models of this folder."""
        self._folder = folder
        self._running: dict[str, asyncio.Task[None]] = {}
        self._errors: dict[str, str] = {}

    def state(self, projection: str) -> RebuildState | None:
        """What is known of a rebuild that says nothing itself: it starts, or it has failed."""
        if projection in self._running:
            return RebuildState(None, "starting", 0, 0, None)
        if projection in self._errors:
            return RebuildState(None, "failed", 0, 0, self._errors[projection])
        return None

    async def start(self, projection: str) -> None:
        """Begin to rebuild; one that is running goes on."""
        if projection in self._running:
            return
        self._errors.pop(projection, None)
        process = await asyncio.create_subprocess_exec(
            *("nice", f"-n{_NICE}", sys.executable, "-m", "bootstrap.main"),
            *("projections", "rebuild", projection, "--json"),
            env={**os.environ, "ORDERLOG_DATA": str(self._folder.absolute())},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._running[projection] = asyncio.create_task(self._watch(projection, process))

    async def close(self) -> None:
        """End what is running; its generations are dropped."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, projection: str, process: asyncio.subprocess.Process) -> None:
        try:
            _, told = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        finally:
            self._running.pop(projection, None)
        if process.returncode:
            error = told.decode(errors="replace").strip()[-_ERROR_BYTES:]
            self._errors[projection] = error.rpartition("\n")[2]
            _log.error("a rebuild failed", projection=projection, error=error)
