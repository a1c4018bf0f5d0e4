"""The embedded event store: streams, snapshots and subscribers' memory in one SQLite file."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from contracts.parked import ParkedRequest, ParkedStream
from event_store.errors import EventStoreFull, EventStoreUnavailable
from event_store.port import (
    Appended,
    Delivery,
    ExpectedVersion,
    NewEvent,
    Page,
    Position,
    RecordedEvent,
    Snapshot,
)
from event_store.positions import number_of, position_of
from event_store.sqlite import bookkeeping, queries
from event_store.sqlite.appends import Append
from event_store.sqlite.failures import translated
from event_store.sqlite.importing import Import
from event_store.sqlite.inspection import Inspection
from event_store.sqlite.reader import Reader
from event_store.sqlite.recent import RecentEvents
from event_store.sqlite.schema import open_for_writing
from event_store.sqlite.watcher import POLL_INTERVAL, HeadWatcher
from event_store.sqlite.writer import GroupCommitWriter, Transaction

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_LAST_VERSION = 2**63 - 1


class SqliteEventStore:
    """An `EventStore`, `SnapshotStore` and `SubscriptionStore` on one file.

    Several processes may open the same file. Positions are dense and never go back.
    """

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        reader: Reader,
        *,
        patience: float,
        poll_interval: float,
        clock: Callable[[], int],
    ) -> None:
        """Use `open` instead."""
        self._path = path
        self._inode = path.stat().st_ino
        self._clock = clock
        self._reader = reader
        self._recent = RecentEvents(lambda after, limit: self.read_all(after=after, limit=limit))
        self._watcher = HeadWatcher(partial(reader.run, queries.head), interval=poll_interval)
        self._writer = GroupCommitWriter(
            writer, now=self._now, patience=patience, committed=self._watcher.advance
        )
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        patience: float = 5.0,
        poll_interval: float = POLL_INTERVAL,
        clock: Callable[[], int] = time.time_ns,
    ) -> Self:
        """Open the store in this file; create it when there is none (its folder must exist).

        Args:
            path: the file. SQLite keeps two more beside it while it is open.
            patience: seconds to wait for another process that writes.
            poll_interval: seconds until subscriptions see what another process wrote.
            clock: nanoseconds since 1970.

        Raises:
            EventStoreCorrupt: the file is damaged or not an event store.
            EventStoreSchemaTooNew: the file was made by newer software.
            EventStoreReadOnly, EventStoreFull: it can't be written.
            EventStoreUnavailable: it can't be opened.
        """
        writer, reader = await asyncio.to_thread(_open, path, patience)
        return cls(
            path, writer, reader, patience=patience, poll_interval=poll_interval, clock=clock
        )

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        """Append all events or none, at the expected version; see `EventStore.append`.

        `ANY` and `STREAM_EXISTS` look for the ids in the whole stream: for short streams only.

        Raises:
            ValueError: no events, an empty name, or an impossible version.
        """
        append = Append(stream, events, expected)
        return await self._writer.submit(append, append.size)

    async def take_over(self, events: Sequence[RecordedEvent]) -> None:
        """Append events of another store, all or none, with the times they were recorded at there.

        Raises:
            WrongExpectedVersion: one does not follow the last of its stream; nothing was written.
            BatchTooLarge: one is larger than an append may be.
            ValueError: a name is empty.
        """
        taken = Import(events)
        await self._writer.submit(taken, taken.size)

    async def read_stream(
        self,
        stream: str,
        *,
        first: int | None = None,
        last: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Sequence[RecordedEvent]:
        """Read the events of a stream; see `EventStore.read_stream`."""
        if limit is not None and limit < 0:
            raise ValueError("a limit can't be negative")
        low, high = first or 0, _LAST_VERSION if last is None else last
        return await self._reader.stream(stream, low, high, backwards, limit)

    async def read_all(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        limit: int = 500,
    ) -> Page:
        """Read a page of all events; see `EventStore.read_all`."""
        if limit < 1:
            raise ValueError("a page has at least one event")
        return await self._reader.page(after, categories, limit)

    async def subscribe(
        self,
        *,
        after: Position | None = None,
        categories: Collection[str] | None = None,
        batch: int = 500,
    ) -> AsyncGenerator[Delivery]:
        """Follow all events; see `EventStore.subscribe`.

        Raises:
            InvalidPosition: `after` is not a position of this store.
            EventStoreUnavailable: also when the store is closed meanwhile.
        """
        position, announced = after, False
        while True:
            page = await self._recent.page(number_of(position), categories, batch)
            if page is None:
                page = await self.read_all(after=position, categories=categories, limit=batch)
            if page.position != position or not announced:
                yield Delivery(page.events, page.position, caught_up=page.at_end)
            position, announced = page.position, page.at_end
            if page.at_end:
                self._recent.begin_after(position)
                await self._watcher.wait_beyond(number_of(position))

    async def head(self) -> Position | None:
        """The position of the last event; None while the store is empty."""
        number = await self._reader.run(queries.head)
        return position_of(number) if number else None

    async def count(self, categories: Collection[str]) -> int:
        """How many events there are in these categories."""
        return await self._reader.run_in_thread(queries.count, categories)

    async def stream_version(self, stream: str) -> int:
        """The version of the last event of a stream, or `NO_VERSION`."""
        return await self._reader.run(queries.stream_version, stream)

    async def identity(self) -> str:
        """The identity of this store; renewed by a restore."""
        return await self._reader.run(bookkeeping.identity)

    async def check(self) -> None:
        """Read and durably write a little; raise what prevents it."""
        self._refuse_moved_file()
        await self._reader.run(queries.head)
        await self._write(bookkeeping.prove_writable, self._now())

    def inspection(self) -> Inspection:
        """Reads all that the file holds, in whatever form: for those who check it."""
        return Inspection(self._reader)

    async def close(self) -> None:
        """Finish what was accepted and let go of the file."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await self._reader.close()
        self._watcher.wake()

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """The newest snapshot of the stream, if there is one."""
        return await self._reader.run(bookkeeping.load_snapshot, stream)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep this snapshot unless a newer one of the stream is there."""
        await self._writer.submit(
            lambda transaction: bookkeeping.save_snapshot(transaction.connection, snapshot),
            len(snapshot.state),
        )

    async def load_checkpoint(self, subscriber: str) -> Position | None:
        """The position up to which the subscriber has done its work."""
        return await self._reader.run(bookkeeping.load_checkpoint, subscriber)

    async def save_checkpoint(self, subscriber: str, position: Position) -> None:
        """Remember that all up to this position is done (or parked)."""
        number_of(position)
        await self._write(bookkeeping.save_checkpoint, subscriber, position)

    async def parked(self, subscriber: str | None = None) -> Sequence[ParkedStream]:
        """The parked streams of one subscriber, or of all."""
        return await self._reader.run(bookkeeping.parked, subscriber)

    async def park(self, parked: ParkedStream) -> None:
        """Remember a stream as parked, in place of what was known of it."""
        await self._write(bookkeeping.park, parked)

    async def unpark(self, subscriber: str, stream: str) -> None:
        """Forget that the stream was parked."""
        await self._write(bookkeeping.unpark, subscriber, stream)

    async def request(
        self, parked_id: str, request: ParkedRequest, reason: str | None = None
    ) -> bool:
        """Ask the owner to `retry` or `discard`; False when nothing of that id is parked."""
        return await self._write(bookkeeping.request, parked_id, request, reason)

    async def _write(
        self,
        statement: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        def work(transaction: Transaction) -> Result:
            return statement(transaction.connection, *args, **kwargs)

        return await self._writer.submit(work)

    def _refuse_moved_file(self) -> None:
        # SQLite would go on writing to a file that nobody finds again.
        try:
            moved = self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            moved = True
        if moved:
            raise EventStoreUnavailable(f"the file {self._path} was moved, deleted or replaced")

    def _now(self) -> int:
        return self._clock() // 1000


def _open(path: Path, patience: float) -> tuple[sqlite3.Connection, Reader]:
    try:
        return open_for_writing(path, patience), Reader(path, patience)
    except sqlite3.Error as error:
        raise translated(error) from error
    except OSError as error:
        kind = EventStoreFull if error.errno == errno.ENOSPC else EventStoreUnavailable
        raise kind(f"the event store's file can't be opened: {error}") from error
