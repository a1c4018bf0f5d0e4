"""Connections of the embedded read store: none is lost, none is left open."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from contracts.documents import ORDER_DETAILS
from read_side.port import ReadStoreUnavailable
from read_side.sqlite import SqliteReadStore, generation_connections, generation_file
from read_side.sqlite.connections import closed_on_error, opened_in_thread
from tests.contract.read_store.support import ORDERS


class Opened:
    """Opens connections, and knows afterwards which are closed."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.connections: list[sqlite3.Connection] = []

    def __call__(self, path) -> sqlite3.Connection:
        self.begun.set()
        assert self.go_on.wait(10)
        self.connections.append(sqlite3.connect(path, check_same_thread=False))
        return self.connections[-1]

    def closed(self) -> bool:
        return all(map(is_closed, self.connections))


def is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


async def test_cancelled_while_a_thread_opens_then_the_connection_is_closed(tmp_path):
    opened = Opened()
    with ThreadPoolExecutor(1) as threads:
        task = asyncio.create_task(opened_in_thread(threads, opened, tmp_path / "a.db"))
        await asyncio.to_thread(opened.begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        opened.go_on.set()
    assert len(opened.connections) == 1
    assert opened.closed()


def test_not_to_be_prepared_then_the_connection_is_closed():
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError), closed_on_error(connection):
        connection.execute("no SQL")
    assert is_closed(connection)


@pytest.fixture
async def store(tmp_path):
    store = await SqliteReadStore.open(tmp_path)
    generation = await store.create_generation(ORDER_DETAILS, "first")
    await store._catalogue.activate(generation)
    yield store
    await store.close()


async def test_closed_while_one_waits_to_open_a_file_then_it_is_not_opened(store):
    await store._files._opening.acquire()
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    reading = asyncio.create_task(store._files.active(ORDERS))
    await asyncio.sleep(0)
    store._files._opening.release()
    await closing
    with pytest.raises(ReadStoreUnavailable, match="closed"):
        await reading


async def test_dropped_while_its_file_is_being_opened_then_it_is_closed(store, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(path):
        begun.set()
        assert go_on.wait(10)
        return generation_connections.open_reader(path)

    generation = await store.create_generation(ORDER_DETAILS, "second")
    monkeypatch.setattr(generation_file, "open_reader", slowly)
    opening = asyncio.create_task(store._files.of(generation))
    await asyncio.to_thread(begun.wait, 10)
    dropping = asyncio.create_task(store._files.close_one(generation))
    await asyncio.sleep(0)
    go_on.set()
    file = await opening
    await dropping
    assert is_closed(file._reader)
    assert store._files._files == {}


async def test_searches_at_once_while_the_file_closes_then_every_connection_is_closed(
    store, monkeypatch
):
    connections, together, go_on = [], threading.Barrier(3), threading.Event()

    def opened(path):
        connections.append(generation_connections.open_reader(path))
        return connections[-1]

    def work(connection):
        together.wait(10)
        assert go_on.wait(10)
        return connection

    file = await store._files.active(ORDERS)
    monkeypatch.setattr(generation_file, "open_reader", opened)
    searches = [asyncio.create_task(file.in_thread(work)) for _ in range(2)]
    await asyncio.to_thread(together.wait, 10)
    await file.close()
    go_on.set()
    assert set(await asyncio.gather(*searches)) == set(connections)
    assert len(connections) == 2
    assert all(map(is_closed, connections))


class SeenByTwo(list):
    """Idle connections: two threads look before either takes one, if nothing prevents that."""

    both = threading.Barrier(2)

    def __bool__(self) -> bool:
        seen = len(self) > 0
        with suppress(threading.BrokenBarrierError):
            self.both.wait(0.2)
        return seen


async def test_two_threads_want_the_one_idle_connection_then_the_other_opens_its_own(store):
    file = await store._files.active(ORDERS)
    together = threading.Barrier(2)

    def work(connection):
        together.wait(10)
        return connection

    first = await file.in_thread(lambda connection: connection)
    file._idle = SeenByTwo(file._idle)
    used = await asyncio.gather(file.in_thread(work), file.in_thread(work))
    assert len(set(used)) == 2
    assert first in used
