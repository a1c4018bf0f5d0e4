"""What goes wrong around the file is said clearly, hits only its own appends, and passes."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import threading
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from event_store.errors import (
    AppendOutcomeUnknown,
    EventStoreCorrupt,
    EventStoreFull,
    EventStoreReadOnly,
    EventStoreUnavailable,
    InvalidPosition,
    WrongExpectedVersion,
)
from event_store.port import NewEvent, Position, Snapshot, StreamState
from event_store.sqlite import SqliteEventStore, schema
from event_store.sqlite.writer import GROUP_LIMIT
from tests.contract.event_store.support import event, ids, page_through, some, unique

NONE = StreamState.NO_STREAM


def writing_connection(store: SqliteEventStore) -> sqlite3.Connection:
    return store._writer._connection


def large() -> NewEvent:
    return NewEvent(event().id, "Large", b'"' + b"x" * 100_000 + b'"', b"{}")


@contextmanager
def held_by_another(path: Path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


@contextmanager
def largest_file(size: int):
    """Let the operating system refuse to write files beyond this size, like a failing disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fail_next_commit(store: SqliteEventStore, path: Path) -> None:
    """Let the next commit, and only that, meet a disk that refuses to write."""
    commit = store._writer._commit

    async def fail() -> None:
        store._writer._commit = commit
        with largest_file(path.with_name(path.name + "-wal").stat().st_size + 4096):
            await commit()

    store._writer._commit = fail


async def outcomes(*appends):
    return await asyncio.gather(*appends, return_exceptions=True)


class TestFullDisk:
    async def test_append_says_so_and_succeeds_once_there_is_space(self, store):
        stream = unique()
        await store.append(stream, [event()], expected=NONE)
        connection = writing_connection(store)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(EventStoreFull):
            await store.append(stream, [large()], expected=0)
        assert await store.stream_version(stream) == 0
        connection.execute("PRAGMA max_page_count = 1000000")
        assert (await store.append(stream, [large()], expected=0)).version == 1

    async def test_only_the_group_that_did_not_fit_fails(self, store):
        stream, other = unique(), unique()
        connection = writing_connection(store)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        failed = await outcomes(
            store.append(other, [event()], expected=NONE),
            store.append(stream, [large()], expected=NONE),
        )
        assert [type(failure) for failure in failed] == [EventStoreFull, EventStoreFull]
        assert (await store.append(other, [event()], expected=NONE)).version == 0


class TestFailedCommit:
    async def test_its_appends_fail_and_the_store_goes_on(self, store, path):
        before = await store.append(unique(), [event()], expected=NONE)
        streams = [unique() for _ in range(5)]
        fail_next_commit(store, path)
        failed = await outcomes(
            *(store.append(stream, [large()], expected=NONE) for stream in streams)
        )
        assert {type(failure) for failure in failed} == {AppendOutcomeUnknown}
        assert await store.head() == before.position
        again = await asyncio.gather(
            *(store.append(stream, some(2), expected=NONE) for stream in streams)
        )
        assert [appended.version for appended in again] == [1] * 5
        assert len(await page_through(store, after=before.position, limit=3)) == 10

    async def test_appends_queued_behind_it_succeed(self, store, path):
        streams = [unique() for _ in range(GROUP_LIMIT)]
        late = unique()
        fail_next_commit(store, path)
        group = [
            asyncio.ensure_future(store.append(stream, some(9), expected=NONE))
            for stream in streams
        ]
        behind = asyncio.ensure_future(store.append(late, [event()], expected=NONE))
        failed = await outcomes(*group)
        assert not behind.done()
        assert {type(failure) for failure in failed} == {AppendOutcomeUnknown}
        assert (await behind).version == 0
        assert len(await page_through(store, after=None, limit=500)) == 1

    async def test_snapshot_and_checkpoint_of_the_group_fail_with_it(self, store, path):
        stream = unique()
        fail_next_commit(store, path)
        failed = await outcomes(
            store.append(stream, [large()], expected=NONE),
            store.save_snapshot(Snapshot(stream, 0, "f", b"state")),
            store.append(stream, [event()], expected=7),
        )
        assert {type(failure) for failure in failed} == {AppendOutcomeUnknown}
        assert await store.load_snapshot(stream) is None


class TestReadOnlyFile:
    async def test_append_and_check_say_so_and_reads_go_on(self, store):
        stream, events = unique(), some(2)
        await store.append(stream, events, expected=NONE)
        writing_connection(store).execute("PRAGMA query_only = ON")
        with pytest.raises(EventStoreReadOnly):
            await store.append(stream, [event()], expected=1)
        with pytest.raises(EventStoreReadOnly):
            await store.check()
        assert ids(await store.read_stream(stream)) == ids(events)
        writing_connection(store).execute("PRAGMA query_only = OFF")
        assert (await store.append(stream, [event()], expected=1)).version == 2

    async def test_opening_says_so(self, store, path, monkeypatch):
        # As SQLite opens a file that it may not write; file permissions do not bind root.
        monkeypatch.setattr(schema, "connect", partial(schema.connect, mode="ro"))
        with pytest.raises(EventStoreReadOnly):
            await SqliteEventStore.open(path)

    async def test_file_that_becomes_read_only_says_so(self, store, path):
        store._writer._connection.close()
        store._writer._connection = schema.connect(path, mode="ro")
        with pytest.raises(EventStoreReadOnly):
            await store.append(unique(), [event()], expected=NONE)


class TestDamagedFile:
    @pytest.mark.parametrize(
        "content",
        [b"just some text, longer than a header of SQLite would be" * 3, b"SQLite format 3\x00abc"],
    )
    async def test_other_file_is_refused_and_left_alone(self, path, content):
        path.write_bytes(content)
        with pytest.raises(EventStoreCorrupt):
            await SqliteEventStore.open(path)
        assert path.read_bytes() == content

    async def test_database_of_something_else_is_refused_and_left_alone(self, path):
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE events (a)")
        other.close()
        content = path.read_bytes()
        with pytest.raises(EventStoreCorrupt):
            await SqliteEventStore.open(path)
        assert path.read_bytes() == content

    async def test_damaged_pages_are_noticed_by_who_reads_them(self, path):
        store = await SqliteEventStore.open(path)
        await store.append("order-1", [large() for _ in range(9)], expected=NONE)
        await store.append("order-2", some(500), expected=NONE)
        await store.close()
        content = bytearray(path.read_bytes())
        pages = len(content) // 4096
        for page in range(pages // 2, pages):
            content[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
        path.write_bytes(content)
        store = await SqliteEventStore.open(path)
        with pytest.raises(EventStoreCorrupt):
            await page_through(store, after=None, limit=500)
        await store.close()

    async def test_missing_folder_is_said(self, path):
        with pytest.raises(EventStoreUnavailable):
            await SqliteEventStore.open(path.parent / "missing" / path.name)


class TestOtherProcesses:
    async def test_append_waits_for_its_turn(self, store, path):
        with held_by_another(path) as other:
            appending = asyncio.ensure_future(store.append(unique(), [event()], expected=NONE))
            # The loop is free meanwhile, and reads are answered.
            assert await store.head() is None
            await asyncio.wait({appending}, timeout=0.05)
            assert not appending.done()
            other.execute("ROLLBACK")
            assert (await appending).version == 0

    async def test_append_that_waits_too_long_says_so(self, path):
        store = await SqliteEventStore.open(path, patience=0.05)
        with held_by_another(path):
            failed = await outcomes(
                *(store.append(unique(), [event()], expected=NONE) for _ in range(3))
            )
        assert {type(failure) for failure in failed} == {EventStoreUnavailable}
        assert (await store.append(unique(), [event()], expected=NONE)).version == 0
        await store.close()

    async def test_opening_that_waits_too_long_says_so(self, store, path):
        with held_by_another(path), pytest.raises(EventStoreUnavailable):
            await SqliteEventStore.open(path, patience=0.05)

    async def test_check_notices_that_the_file_was_moved(self, store, path):
        path.rename(path.with_name("elsewhere.db"))
        with pytest.raises(EventStoreUnavailable, match="moved"):
            await store.check()


class TestCancelledCallers:
    async def test_waiting_append_that_is_cancelled_is_not_written(self, store, path):
        cancelled, other = unique(), unique()
        with held_by_another(path):
            one = asyncio.ensure_future(store.append(cancelled, [event()], expected=NONE))
            two = asyncio.ensure_future(store.append(other, [event()], expected=NONE))
            await asyncio.sleep(0)
            one.cancel()
        assert (await two).version == 0
        assert one.cancelled()
        assert await store.stream_version(cancelled) == -1

    async def test_cancelled_during_the_commit_others_are_answered(self, store):
        streams = [unique() for _ in range(20)]
        proceed = threading.Event()
        store._writer._thread.submit(proceed.wait, 10)
        appends = [
            asyncio.ensure_future(store.append(stream, [event()], expected=NONE))
            for stream in streams
        ]
        for _ in range(3):
            await asyncio.sleep(0)
        assert writing_connection(store).in_transaction
        for append in appends[::2]:
            append.cancel()
        await asyncio.sleep(0)
        proceed.set()
        done = await outcomes(*appends)
        assert [type(outcome) for outcome in done[::2]] == [asyncio.CancelledError] * 10
        assert [outcome.version for outcome in done[1::2]] == [0] * 10
        assert (await store.append(streams[1], [event()], expected=0)).version == 1

    async def test_writer_cancelled_by_the_end_of_the_loop_finishes_its_commit(self, store):
        stream = unique()
        proceed = threading.Event()
        store._writer._thread.submit(proceed.wait, 10)
        append = asyncio.ensure_future(store.append(stream, [event()], expected=NONE))
        for _ in range(3):
            await asyncio.sleep(0)
        store._writer._draining.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not append.done()
        proceed.set()
        with pytest.raises(AppendOutcomeUnknown):
            await append
        assert await store.stream_version(stream) == 0
        assert (await store.append(stream, [event()], expected=0)).version == 1

    async def test_many_cancelled_at_random_leave_whole_streams(self, store):
        async def impatient(number: int) -> int:
            stream = f"order-{number}"
            try:
                async with asyncio.timeout(number % 7 / 2000):
                    for version in range(50):
                        await store.append(stream, some(2), expected=version * 2 - 1)
            except TimeoutError:
                pass
            return await store.stream_version(stream)

        found = await asyncio.gather(*(impatient(number) for number in range(60)))
        assert all(version % 2 == 1 or version == -1 for version in found)
        recorded = await page_through(store, after=None, limit=500)
        assert [int(entry.position) for entry in recorded] == list(range(1, len(recorded) + 1))
        assert (await store.append("order-x", [event()], expected=NONE)).version == 0


class TestImpossibleArguments:
    @pytest.mark.parametrize(
        ("stream", "events", "expected"),
        [
            ("order-1", [], NONE),
            ("", some(1), NONE),
            ("order-\ud800", some(1), NONE),
            ("order-1", [event(type="")], NONE),
            ("order-1", [event(type="\udfff")], NONE),
            ("order-1", some(1), -2),
        ],
    )
    async def test_append_is_refused_and_those_beside_it_are_written(
        self, store, stream, events, expected
    ):
        good = unique()
        refused, appended = await outcomes(
            store.append(stream, events, expected=expected),
            store.append(good, [event()], expected=NONE),
        )
        assert isinstance(refused, ValueError)
        assert appended.version == 0

    async def test_wrong_version_beside_others_fails_alone(self, store):
        good, bad, late = unique(), unique(), unique()
        first, refused, last = await outcomes(
            store.append(good, [event()], expected=NONE),
            store.append(bad, [event()], expected=4),
            store.append(late, [event()], expected=NONE),
        )
        assert isinstance(refused, WrongExpectedVersion)
        assert first.position < last.position

    async def test_position_of_the_future_is_refused(self, store):
        appended = await store.append(unique(), [event()], expected=NONE)
        beyond = Position(str(int(appended.position) + 1).zfill(20))
        with pytest.raises(InvalidPosition):
            await store.read_all(after=beyond)

    @pytest.mark.parametrize("limit", [0, -1])
    async def test_page_without_events_is_refused(self, store, limit):
        with pytest.raises(ValueError, match="at least one"):
            await store.read_all(limit=limit)


class TestTime:
    async def test_recorded_time_never_goes_back_with_the_clock(self, path):
        seconds = iter([100, 100, 50, 50, 200, 200])
        store = await SqliteEventStore.open(path, clock=lambda: next(seconds) * 10**9)
        for version in range(3):
            await store.append("order-1", [event()], expected=version - 1)
        await store.close()
        late = await SqliteEventStore.open(path, clock=lambda: 20 * 10**9)
        await late.append("order-2", [event()], expected=NONE)
        recorded = await page_through(late, after=None, limit=10)
        await late.close()
        seconds = [entry.recorded_at.timestamp() for entry in recorded]
        assert seconds == sorted(seconds)
        assert seconds[0] == 100


class TestDurability:
    async def test_every_commit_waits_for_the_disk(self, store):
        connection = writing_connection(store)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        assert synchronous == 2  # FULL


class TestClosing:
    async def test_what_was_accepted_is_finished(self, path):
        store = await SqliteEventStore.open(path)
        appends = [
            asyncio.ensure_future(store.append(unique(), some(2), expected=NONE))
            for _ in range(GROUP_LIMIT * 2)
        ]
        await asyncio.sleep(0)
        await store.close()
        assert {(await append).version for append in appends} == {1}

    async def test_closed_store_says_so_and_closes_again(self, path):
        store = await SqliteEventStore.open(path)
        await store.close()
        await store.close()
        with pytest.raises(EventStoreUnavailable):
            await store.append(unique(), [event()], expected=NONE)
        with pytest.raises(EventStoreUnavailable):
            await store.head()

    async def test_waiting_subscription_ends_with_the_store(self, path):
        store = await SqliteEventStore.open(path, poll_interval=60)
        async with aclosing(store.subscribe()) as deliveries:
            await anext(deliveries)
            waiting = asyncio.ensure_future(anext(deliveries))
            await asyncio.sleep(0)
            await store.close()
            with pytest.raises(EventStoreUnavailable):
                await asyncio.wait_for(waiting, timeout=5)

    async def test_last_one_to_close_leaves_one_file(self, path):
        store = await SqliteEventStore.open(path)
        await store.append(unique(), [event()], expected=NONE)
        await store.close()
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]
        assert path.stat().st_mode & 0o777 == 0o600

    async def test_subscription_is_woken_by_a_commit_without_polling(self, path):
        store = await SqliteEventStore.open(path, poll_interval=60)
        async with aclosing(store.subscribe()) as deliveries:
            await anext(deliveries)
            for version in range(3):
                waiting = asyncio.ensure_future(anext(deliveries))
                await store.append("order-1", [event()], expected=version - 1)
                delivery = await asyncio.wait_for(waiting, timeout=5)
                assert len(delivery.events) == 1
        await store.close()
