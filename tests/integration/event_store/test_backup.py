"""Backup of a live store and its restore."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from event_store.backup import backup, restore
from event_store.errors import EventStoreCorrupt
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import event, ids, page_through, some, unique

NONE = StreamState.NO_STREAM


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "backup.db"


@pytest.fixture
def restored(tmp_path):
    return tmp_path / "restored.db"


async def test_backup_while_others_write_is_one_consistent_state(store, path, copy):
    stop = asyncio.Event()

    async def writer(stream: str) -> None:
        version = -1
        while not stop.is_set():
            version = (await store.append(stream, some(2), expected=version)).version

    await store.append(unique(), some(1000), expected=NONE)
    acknowledged = await store.head()
    writers = [asyncio.ensure_future(writer(unique())) for _ in range(4)]
    await asyncio.to_thread(backup, path, copy)
    stop.set()
    await asyncio.gather(*writers)
    everything = await page_through(store, after=None, limit=500)
    saved = await SqliteEventStore.open(copy)
    found = await page_through(saved, after=None, limit=500)
    assert await saved.identity() == await store.identity()
    await saved.close()
    assert found == everything[: len(found)]
    assert found[-1].position >= acknowledged
    assert len(found) % 2 == 0


async def test_restore_has_all_events_and_another_identity(store, path, copy, restored):
    events = some(3)
    appended = await store.append("order-1", events, expected=NONE)
    await store.save_checkpoint("policy", appended.position)
    backup(path, copy)
    restore(copy, restored)
    again = await SqliteEventStore.open(restored)
    assert ids(await again.read_stream("order-1")) == ids(events)
    assert await again.load_checkpoint("policy") == appended.position
    assert await again.identity() != await store.identity()
    assert (await again.append("order-1", [event()], expected=2)).version == 3
    await again.close()


async def test_keys_come_back_with_a_restore_and_do_not_stay_in_the_store(
    store, path, copy, restored, tmp_path
):
    keys = {"addresses": b"\x00\xff", "fingerprints": b"another"}
    backup(path, copy, keys)
    kept = []
    restore(copy, restored, kept.append)
    restore(restored, tmp_path / "once more.db", kept.append)
    assert kept == [keys, {}]
    with pytest.raises(FileExistsError):
        restore(copy, restored, kept.append)
    assert kept == [keys, {}], "the keys of a store that is not replaced stay as they are"


@pytest.mark.parametrize("copying", [backup, restore])
class TestRefusals:
    async def test_existing_target_is_left_alone(self, store, path, copy, copying):
        copy.write_bytes(b"precious")
        with pytest.raises(FileExistsError):
            copying(path, copy)
        assert copy.read_bytes() == b"precious"

    async def test_left_over_log_beside_the_target_is_left_alone(self, store, path, copy, copying):
        log = copy.with_name(copy.name + "-wal")
        log.write_bytes(b"of a store that was here")
        with pytest.raises(FileExistsError):
            copying(path, copy)
        assert not copy.exists()
        assert log.exists()

    async def test_missing_source_is_said_and_not_made(self, tmp_path, copy, copying):
        with pytest.raises(FileNotFoundError):
            copying(tmp_path / "missing.db", copy)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [b"", b"something else, long enough for a header" * 9])
    async def test_what_is_no_event_store_is_refused(self, tmp_path, copy, copying, content):
        source = tmp_path / "other"
        source.write_bytes(content)
        with pytest.raises(EventStoreCorrupt):
            copying(source, copy)
        assert list(tmp_path.iterdir()) == [source]

    async def test_damaged_source_is_refused(self, tmp_path, path, copy, copying):
        store = await SqliteEventStore.open(path)
        await store.append("order-1", some(500), expected=NONE)
        await store.close()
        content = bytearray(path.read_bytes())
        content[-8192:-4096] = b"\xa5" * 4096
        path.write_bytes(content)
        with pytest.raises(EventStoreCorrupt):
            copying(path, copy)
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]

    async def test_another_database_is_refused(self, tmp_path, copy, copying):
        source = tmp_path / "other"
        with sqlite3.connect(source) as other:
            other.execute("CREATE TABLE a (b)")
        other.close()
        with pytest.raises(EventStoreCorrupt):
            copying(source, copy)
