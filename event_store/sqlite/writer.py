"""The one writer of a file in this process: many callers, one transaction, one fsync.

Writes queue up on the event loop. A group of them runs there in one transaction, each with its
own checks; only COMMIT, which waits for the disk, runs in a thread. Callers are answered after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from event_store.errors import AppendOutcomeUnknown, EventStoreError, EventStoreUnavailable
from event_store.sqlite.failures import is_busy, is_io_error, translated

Result = TypeVar("Result")

GROUP_LIMIT = 256
GROUP_BYTES = 2 * 1024 * 1024
_BUSY_WAIT = 0.001


class Transaction:
    """An open write transaction: numbers and times are given out here."""

    __slots__ = ("connection", "head", "recorded_at")

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        """Begin to count at the last event; its time is the earliest that new ones get."""
        self.connection = connection
        last = connection.execute(
            "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1"
        ).fetchone()
        self.head: int = last[0] if last else 0
        self.recorded_at: int = max(now, last[1]) if last else now

    def take_positions(self, count: int) -> int:
        """Give out the next `count` positions; the first of them is returned."""
        first = self.head + 1
        self.head += count
        return first


@dataclass(slots=True)
class _Job:
    work: Callable[[Transaction], Any]
    size: int
    answer: asyncio.Future[Any]
    queued_at: float

    def settle(self, outcome: Any) -> None:
        """Answer the caller, if it still waits."""
        if self.answer.done():
            return
        if isinstance(outcome, BaseException):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class GroupCommitWriter:
    """Writes what callers submit, in order, in groups."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        now: Callable[[], int],
        patience: float,
        committed: Callable[[int], None],
    ) -> None:
        """Own the connection.

        Args:
            connection: used by nobody else.
            now: the time in microseconds since 1970.
            patience: seconds to wait while another process writes.
            committed: told the number of the last event after each commit.
        """
        self._connection = connection
        self._now = now
        self._patience = patience
        self._committed = committed
        self._queue: deque[_Job] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="event-store-commit")
        self._closed = False

    async def submit(self, work: Callable[[Transaction], Result], size: int = 0) -> Result:
        """Run `work` in a transaction and return its result once that is on disk.

        `work` raises `EventStoreError` only before it has written anything; `size` is about how
        many bytes it writes. A caller that is cancelled leaves open whether it happens.

        Raises:
            EventStoreError: of `work`, or because the group could not be written.
        """
        if self._closed:
            raise EventStoreUnavailable("the event store is closed")
        loop = asyncio.get_running_loop()
        job = _Job(work, size, loop.create_future(), time.monotonic())
        self._queue.append(job)
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain())
        return await job.answer

    async def close(self) -> None:
        """Write what was submitted, then close the connection."""
        self._closed = True
        if self._draining is not None:
            await asyncio.wait([self._draining])
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._connection.close)

    async def _drain(self) -> None:
        try:
            while self._queue:
                transaction = await self._begin()
                if transaction is not None:
                    await self._write_group(transaction)
        finally:
            # Empty unless this task was cancelled or has a bug: nobody may wait for ever.
            self._fail_queued(lambda: EventStoreUnavailable("the event store stopped writing"))

    async def _begin(self) -> Transaction | None:
        while self._queue:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return Transaction(self._connection, self._now())
            except sqlite3.Error as error:
                self._roll_back()
                if not is_busy(error):
                    self._fail_queued(lambda error=error: translated(error))
                    return None
                self._expire(error)
            await asyncio.sleep(_BUSY_WAIT * random.uniform(0.5, 1.5))  # noqa: S311
        return None

    async def _write_group(self, transaction: Transaction) -> None:
        group = self._take_group()
        before = self._connection.total_changes
        try:
            outcomes = [_attempt(job.work, transaction) for job in group]
            if self._connection.total_changes == before:
                self._roll_back()
            else:
                await self._commit()
        except BaseException as error:
            # Whatever it was: the group is undone, its callers hear of it, the store goes on.
            self._roll_back()
            for job in group:
                job.settle(_group_failure(error))
            if not isinstance(error, Exception):
                raise
        else:
            self._committed(transaction.head)
            for job, outcome in zip(group, outcomes, strict=True):
                job.settle(outcome)

    def _take_group(self) -> list[_Job]:
        group: list[_Job] = []
        size = 0
        while self._queue and len(group) < GROUP_LIMIT:
            if group and size + self._queue[0].size > GROUP_BYTES:
                break
            job = self._queue.popleft()
            if not job.answer.done():
                group.append(job)
                size += job.size
        return group

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        commit = loop.run_in_executor(self._thread, self._connection.execute, "COMMIT")
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            # The connection must not be touched before the thread has let go of it.
            await asyncio.wait([commit])
            raise
        except sqlite3.Error as error:
            if not is_io_error(error):
                raise
            unknown = AppendOutcomeUnknown(f"the disk failed while events were saved: {error}")
            raise unknown from error

    def _roll_back(self) -> None:
        # Should it fail, the next BEGIN fails too and it is tried again there.
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _expire(self, error: sqlite3.Error) -> None:
        oldest = time.monotonic() - self._patience
        while self._queue and self._queue[0].queued_at < oldest:
            self._queue.popleft().settle(translated(error))

    def _fail_queued(self, failure: Callable[[], EventStoreError]) -> None:
        while self._queue:
            self._queue.popleft().settle(failure())


def _attempt(work: Callable[[Transaction], Any], transaction: Transaction) -> Any:
    try:
        return work(transaction)
    except EventStoreError as error:
        # It wrote nothing, so it is this caller's answer alone; given after COMMIT like the
        # others, since it may rest on what the same transaction wrote before.
        return error


def _group_failure(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.Error):
        return translated(error)
    if isinstance(error, AppendOutcomeUnknown):
        again = AppendOutcomeUnknown(*error.args)
        again.__cause__ = error.__cause__
        return again
    unknown = isinstance(error, asyncio.CancelledError)
    kind = AppendOutcomeUnknown if unknown else EventStoreUnavailable
    failure = kind(f"the event store stopped while writing: {error!r}")
    failure.__cause__ = error
    return failure
