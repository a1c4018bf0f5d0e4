"""Files of the embedded read store that are damaged, of another version, or not usable."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing

import pytest

from contracts.documents import ORDER_DETAILS, DocumentType
from read_side.port import (
    Checkpoint,
    Put,
    ReadStoreError,
    ReadStoreUnavailable,
    Search,
    UnknownGeneration,
    WriteBatch,
)
from read_side.sqlite import SqliteReadStore
from read_side.sqlite.connections import connect
from tests.contract.read_store.support import ORDERS, found, line, new, order


@asynccontextmanager
async def opened(folder):
    store = await SqliteReadStore.open(folder)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def folder(tmp_path):
    async with opened(tmp_path) as store:
        generation = await store.create_generation(ORDER_DETAILS, "first")
        await store.activate(generation)
        documents = [order(f"o{number}", items=[line("p1")]) for number in range(500)]
        await store.write(generation, WriteBatch([new(document) for document in documents]))
    return tmp_path


@pytest.fixture
def file(folder):
    return folder / f"{ORDERS}-1.db"


def change(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


async def test_closed_store_leaves_one_file_for_each_thing(folder):
    assert {path.name for path in folder.iterdir()} == {"catalogue.db", f"{ORDERS}-1.db"}


async def test_log_does_not_stay_as_long_as_a_generation_that_was_built(tmp_path):
    async with opened(tmp_path) as store:
        generation = await store.create_generation(ORDER_DETAILS, "first")
        for batch in range(20):
            documents = [order(f"o{batch}-{n}", items=[line("p1")]) for n in range(500)]
            await store.write(generation, WriteBatch([new(document) for document in documents]))
        await store.activate(generation)
        log = tmp_path / f"{ORDERS}-1.db-wal"
        assert log.stat().st_size < 1_000_000 < (tmp_path / f"{ORDERS}-1.db").stat().st_size


async def test_log_that_once_grew_shrinks_when_it_begins_anew(file):
    with closing(connect(file)) as writer, closing(connect(file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchone()
        for _ in range(60):
            writer.execute("UPDATE bodies SET document = randomblob(2000)")
        log = file.with_name(f"{file.name}-wal")
        assert log.stat().st_size > 40_000_000
        reader.execute("ROLLBACK")
        writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
        writer.execute("UPDATE bodies SET document = '{}' WHERE id = 1")
        assert log.stat().st_size <= 16_000_000


async def test_catalogue_that_is_no_database_is_refused(folder):
    (folder / "catalogue.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(ReadStoreError, match=r"catalogue\.db is damaged"):
        await SqliteReadStore.open(folder)


async def test_database_of_something_else_is_refused(folder):
    (folder / "catalogue.db").unlink()
    change(folder / "catalogue.db", "CREATE TABLE other(a)")
    with pytest.raises(ReadStoreError, match="not a file of the read store"):
        await SqliteReadStore.open(folder)


async def test_newer_catalogue_is_refused(folder):
    change(folder / "catalogue.db", "PRAGMA user_version = 99")
    with pytest.raises(ReadStoreError, match="newer version"):
        await SqliteReadStore.open(folder)


async def test_newer_generation_is_refused_and_untouched(folder, file):
    change(file, "PRAGMA user_version = 99")
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        with pytest.raises(ReadStoreError, match="newer version"):
            await store.get(ORDERS, "o1")
        with pytest.raises(ReadStoreError, match="newer version"):
            await store.write(generation, WriteBatch([new(order("x"))]))


async def test_generation_that_is_no_database_is_refused_and_a_new_one_heals(folder, file):
    file.write_bytes(b"\0garbage" * 5000)
    async with opened(folder) as store:
        (first,) = await store.generations(ORDERS)
        for ask in (store.get(ORDERS, "o1"), store.search(ORDERS, Search())):
            with pytest.raises(ReadStoreError, match="damaged"):
                await ask
        second = await store.create_generation(ORDER_DETAILS, "second")
        await store.write(second, WriteBatch([new(order("o1"))]))
        await store.activate(second)
        await store.drop(first)
        assert await found(store) == ["o1"]


async def test_damage_in_the_middle_is_an_error_of_the_port(folder, file):
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(8192)
        raw.write(b"\xaa" * (size - 8192))
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        with pytest.raises(ReadStoreError, match="damaged"):
            await store.search(ORDERS, Search())
        with pytest.raises(ReadStoreError, match="damaged"):
            await store.get(ORDERS, "o1")
        with pytest.raises(ReadStoreError, match="damaged"):
            await store.write(generation, WriteBatch([new(order("x"))]))


async def test_missing_file_of_a_generation_is_not_made_anew(folder, file):
    file.unlink()
    async with opened(folder) as store:
        with pytest.raises(ReadStoreUnavailable, match="can't be used"):
            await store.get(ORDERS, "o1")
    assert not file.exists()


async def test_damaged_generation_does_not_become_active(folder):
    async with opened(folder) as store:
        second = await store.create_generation(ORDER_DETAILS, "second")
        (folder / f"{ORDERS}-2.db").write_bytes(b"\0garbage" * 5000)
    async with opened(folder) as store:
        with pytest.raises(ReadStoreError):
            await store.activate(second)
        assert (await store.get(ORDERS, "o1"))["id"] == "o1"


async def test_folder_that_can_not_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReadStoreUnavailable, match="can't be used"):
        await SqliteReadStore.open(tmp_path / "file" / "read-models")


async def test_full_disk_writes_nothing_of_a_batch(folder):
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        file = await store._files.of(generation)
        async with file.transaction() as connection:
            connection.execute("PRAGMA max_page_count = 1")
        documents = [order(f"new{number}", city="x" * 2000) for number in range(300)]
        batch = WriteBatch([new(one) for one in documents], [Checkpoint("0", "s", "1")])
        with pytest.raises(ReadStoreUnavailable, match="full"):
            await store.write(generation, batch)
        assert await store.get_many(ORDERS, [one["id"] for one in documents]) == {}
        assert await store.checkpoints(generation) == {}
        assert (await store.get(ORDERS, "o1"))["id"] == "o1"


async def test_log_is_copied_into_the_file_while_writing(folder, file):
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        stored = await store.load(generation, ["o1"])
        revision = stored["o1"].revision
        for number in range(120):
            document = {**order("o1"), "note": f"{number:04}" * 25_000}
            await store.write(generation, WriteBatch([Put("o1", document, {}, revision)]))
            revision += 1
        log = file.with_name(file.name + "-wal")
        assert log.stat().st_size < 120 * 100_000


async def test_closed_store_says_so_and_closes_again(folder):
    store = await SqliteReadStore.open(folder)
    await store.get(ORDERS, "o1")
    waiting = asyncio.create_task(store.wait_for_write(ORDERS, 60))
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    for ask in (waiting, store.get(ORDERS, "o1"), store.is_paused(ORDERS)):
        with pytest.raises(ReadStoreUnavailable, match="closed"):
            await ask


async def test_closing_finishes_the_write_under_way(folder):
    store = await SqliteReadStore.open(folder)
    (generation,) = await store.generations(ORDERS)
    batch = WriteBatch([new(order(f"new{number}")) for number in range(1000)])
    writing = asyncio.create_task(store.write(generation, batch))
    for _ in range(3):
        await asyncio.sleep(0)
    await store.close()
    await writing
    async with opened(folder) as store:
        assert await store.get(ORDERS, "new999") is not None


async def test_others_get_turns_while_a_large_batch_is_written(folder):
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        await store.write(generation, WriteBatch([new(order("opens the file"))]))
        batch = WriteBatch([new(order(f"new{number}")) for number in range(2000)])
        writing = asyncio.create_task(store.write(generation, batch))
        turns = 0
        while not writing.done():
            turns += 1
            await store.get(ORDERS, "new0")
            await asyncio.sleep(0)
        await writing
        assert turns > 20


async def test_write_of_this_process_ends_a_wait_without_looking(folder, monkeypatch):
    monkeypatch.setattr("read_side.sqlite.store._POLL_SECONDS", 60)
    async with opened(folder) as store:
        (generation,) = await store.generations(ORDERS)
        waiting = asyncio.create_task(store.wait_for_write(ORDERS, 60))
        while not waiting.done():
            await asyncio.sleep(0)
            if await store.get(ORDERS, "new") is None:
                await store.write(generation, WriteBatch([new(order("new"))]))
                async with asyncio.timeout(10):
                    await waiting


async def test_generation_dropped_at_the_last_moment_does_not_become_active(folder):
    async with opened(folder) as store:
        second = await store.create_generation(ORDER_DETAILS, "second")
        await store.drop(second)
        with pytest.raises(UnknownGeneration):
            await store._catalogue.activate(second)
        assert (await store.get(ORDERS, "o1"))["id"] == "o1"


async def test_indexes_are_made_when_a_generation_is_to_answer(folder):
    async with opened(folder) as store:
        second = await store.create_generation(ORDER_DETAILS, "second")
        with closing(sqlite3.connect(folder / f"{ORDERS}-2.db")) as connection:
            count = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE 'CREATE INDEX documents%'"
            assert connection.execute(count).fetchone() == (0,)
            await store.activate(second)
            assert connection.execute(count).fetchone() == (8,)


async def test_what_a_killed_creation_left_is_made_anew(folder):
    (folder / f"{ORDERS}-2.db").write_bytes(b"half a file")
    async with opened(folder) as store:
        second = await store.create_generation(ORDER_DETAILS, "second")
        await store.write(second, WriteBatch([new(order("o1"))]))
        assert second.number == 2


@pytest.mark.parametrize("name", ["", "../up", "Orders", "a b", "a.b", "x" * 200])
async def test_projection_whose_name_is_no_file_name_is_refused(folder, name):
    async with opened(folder) as store:
        with pytest.raises(ValueError, match="can't name a file"):
            await store.create_generation(DocumentType(name, {}), "x")
