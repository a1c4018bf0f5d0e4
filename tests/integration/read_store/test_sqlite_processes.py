"""The embedded read store between processes, and after one was killed."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from contextlib import asynccontextmanager, closing

import pytest

from contracts.documents import ORDER_DETAILS
from read_side.port import Matches, Put, Search, UnknownGeneration, WriteBatch, WriteConflict
from read_side.sqlite import SqliteReadStore
from tests.contract.read_store.support import ORDERS, found, new, order
from tests.integration.read_store.writing_process import KEYS, SOURCE


@asynccontextmanager
async def opened(folder):
    store = await SqliteReadStore.open(folder)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def writing_process(folder):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.read_store.writing_process",
        str(folder),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


async def acknowledged(process) -> int:
    return int(await process.stdout.readline())


@pytest.fixture
async def folder(tmp_path):
    async with opened(tmp_path) as store:
        await store.activate(await store.create_generation(ORDER_DETAILS, "first"))
    return tmp_path


async def test_killed_while_writing_leaves_documents_and_checkpoint_together(folder):
    for turn in range(4):
        async with writing_process(folder) as process:
            for _ in range(2 + turn):
                last = await acknowledged(process)
            process.send_signal(signal.SIGKILL)
            rest, _ = await process.communicate()
        last = max([last, *(int(number) for number in rest.split())])
        async with opened(folder) as store:
            (generation,) = await store.generations(ORDERS)
            at = int((await store.checkpoints(generation))[SOURCE].position)
            assert last <= at <= last + 1
            stored = await store.load(generation, KEYS)
            assert {one.streams["s"] for one in stored.values()} == {at}
            assert len(stored) == len(KEYS)
            assert await store.count_by(ORDERS, "status") == {f"s{at}": len(KEYS)}
            rows = await store.sums(ORDERS, group_by="status", fields=["items.quantity"])
            assert rows[0].sums["items.quantity"] == len(KEYS) * (at % 10)
            if at % 10:
                page = await store.search(ORDERS, Search((Matches(f"Name{at}"),), limit=200))
                assert len(page.documents) == len(KEYS)


async def test_reader_sees_what_another_process_writes(folder):
    async with opened(folder) as store, writing_process(folder) as process:
        number = await acknowledged(process)
        for _ in range(3):
            async with asyncio.timeout(30):
                seen = -1
                while seen < number:
                    await store.wait_for_write(ORDERS, 0.1)
                    document = await store.get(ORDERS, KEYS[-1])
                    seen = int(document["status"].removeprefix("s"))
            number = seen + 1


async def test_two_processes_write_to_one_generation_in_turns(folder):
    async with opened(folder) as store, writing_process(folder) as process:
        (generation,) = await store.generations(ORDERS)
        await acknowledged(process)
        for number in range(50):
            await store.write(generation, WriteBatch([new(order(f"mine{number}"))]))
        first = await acknowledged(process)
        assert first > 1
        mine = [f"mine{number}" for number in range(50)]
        assert len(await store.get_many(ORDERS, mine)) == 50


async def test_conflict_with_another_process_is_seen(folder):
    async with opened(folder) as store, writing_process(folder) as process:
        (generation,) = await store.generations(ORDERS)
        await acknowledged(process)
        before = (await store.load(generation, KEYS[:1]))[KEYS[0]]
        while await acknowledged(process) <= before.revision:
            pass
        put = Put(KEYS[0], order(KEYS[0]), {}, before.revision)
        with pytest.raises(WriteConflict):
            await store.write(generation, WriteBatch([put]))


async def test_write_that_finds_the_file_locked_waits_without_stopping_the_loop(folder):
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        with closing(sqlite3.connect(folder / f"{ORDERS}-1.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(store.write(generation, WriteBatch([new(order("o1"))])))
            for _ in range(20):
                assert await store.get(ORDERS, "o1") is None
                await asyncio.wait([writing], timeout=0.005)
            assert not writing.done()
            other.execute("COMMIT")
        await writing
        assert await store.get(ORDERS, "o1") is not None


async def test_generation_dropped_by_another_process_lets_go_of_its_files(folder):
    async with opened(folder) as store, opened(folder) as other:
        (first,) = await store.generations(ORDERS)
        await store.write(first, WriteBatch([new(order("o1"))]))
        assert await found(store) == ["o1"]
        second = await other.create_generation(ORDER_DETAILS, "second")
        await other.activate(second)
        await other.drop(first)
        assert not list(folder.glob(f"{ORDERS}-1.db*"))
        with pytest.raises(UnknownGeneration):
            await store.load(first, ["o1"])
        assert list(store._files._files) == []
        assert await found(store) == []
        await store.write(second, WriteBatch([new(order("o2"))]))
        assert await found(other) == ["o2"]


async def test_folder_opened_for_the_first_time_by_many_at_once(tmp_path):
    stores = await asyncio.gather(*(SqliteReadStore.open(tmp_path / "new") for _ in range(8)))
    try:
        generation = await stores[0].create_generation(ORDER_DETAILS, "first")
        await stores[1].activate(generation)
        for store in stores:
            assert (await store.search(ORDERS, Search())).documents == []
    finally:
        await asyncio.gather(*(store.close() for store in stores))
