"""A handler that keeps what it was given in a file: what a worker did is read by the test."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from event_store.partitions import Mark, Partition, Published

_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS handled (
    event_id TEXT PRIMARY KEY, partition TEXT, position TEXT, worker TEXT
);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, worker TEXT, at REAL, what TEXT, partition TEXT, position TEXT
);
"""


class Sink:
    """Writes to the file; the same event again is passed over, as documents do it."""

    def __init__(self, path: Path, worker: str, *, slow: float = 0.0, fail_at: int = 0) -> None:
        """`slow`: seconds that each batch takes; `fail_at`: the batch that fails, once."""
        self._file = sqlite3.connect(path, timeout=20, isolation_level=None)
        self._file.executescript(_SCHEMA)
        self._worker = worker
        self._slow = slow
        self._fail_at = fail_at
        self.hanging = False
        """Whether it never comes back, as in an outage."""
        self.batches = 0
        self.at_work = False
        self.owned: frozenset[Partition] = frozenset()

    async def own(self, partitions: frozenset[Partition]) -> None:
        assert not self.at_work
        self.owned = partitions
        self._note("own", ",".join(sorted(map(str, partitions))))

    async def handle(self, events: Sequence[Published]) -> None:
        assert not self.at_work
        self.at_work = True
        try:
            await self._handle(events)
        finally:
            self.at_work = False

    async def _handle(self, events: Sequence[Published]) -> None:
        self.batches += 1
        self._note("begin", f"{len(events)}")
        if self.hanging:
            await asyncio.Event().wait()
        if self._slow:
            await asyncio.sleep(self._slow)
        if self.batches == self._fail_at:
            # Half of it is written, as by a sink that breaks in the middle.
            self._write(events[: len(events) // 2])
            raise OSError("the sink broke")
        self._write(events)

    def published(self, mark: Mark) -> None:
        self._note("mark", mark.position)

    def _write(self, events: Sequence[Published]) -> None:
        self._file.execute("BEGIN IMMEDIATE")
        for it in events:
            partition, position = str(it.partition), it.event.position
            row = (str(it.event.id), partition, position, self._worker)
            self._file.execute("INSERT OR IGNORE INTO handled VALUES (?, ?, ?, ?)", row)
            self._note("handle", partition, position)
        self._file.execute("COMMIT")

    def _note(self, what: str, partition: str = "", position: str = "") -> None:
        row = (self._worker, time.time(), what, partition, position)
        self._file.execute("INSERT INTO calls VALUES (NULL, ?, ?, ?, ?, ?)", row)


class Seen:
    """What the workers wrote to the file."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, timeout=20, isolation_level=None)
        self._file.executescript(_SCHEMA)

    def handled(self) -> dict[str, str]:
        """The events that were handled, and by whom first."""
        return dict(self._file.execute("SELECT event_id, worker FROM handled"))

    def deliveries(self, worker: str | None = None) -> list[tuple[str, str]]:
        """Partition and position of each event handled, in this order, again and again."""
        rows = self._file.execute(
            "SELECT partition, position, worker FROM calls WHERE what = 'handle' ORDER BY number"
        )
        return [(it[0], it[1]) for it in rows if worker in (None, it[2])]

    def owned(self, worker: str) -> frozenset[str]:
        """What the worker was last told that it owns."""
        row = self._file.execute(
            "SELECT partition FROM calls WHERE what = 'own' AND worker = ? ORDER BY number DESC",
            (worker,),
        ).fetchone()
        return frozenset(row[0].split(",")) - {""} if row else frozenset()

    def calls(self, worker: str) -> list[str]:
        return [
            row[0]
            for row in self._file.execute(
                "SELECT what FROM calls WHERE worker = ? ORDER BY number", (worker,)
            )
        ]

    async def until(self, true: Callable[[], object], seconds: float = 60) -> None:
        """Return when `true()` is; what other processes write can't be awaited otherwise."""
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(0.05)
