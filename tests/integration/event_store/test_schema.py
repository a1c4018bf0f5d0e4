"""Files of other schema versions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from contracts.parked import ParkedStream
from event_store.errors import EventStoreSchemaTooNew
from event_store.port import Snapshot
from event_store.sqlite import SqliteEventStore
from event_store.sqlite.schema import SCHEMA_VERSION
from tests.contract.event_store.support import event

EVENT_ID = UUID("11111111-2222-3333-4444-555555555555")
VERSION_1 = """
    CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL,
        version INTEGER NOT NULL, category TEXT NOT NULL, id BLOB NOT NULL, type TEXT NOT NULL,
        data BLOB NOT NULL, metadata BLOB NOT NULL, recorded_at INTEGER NOT NULL);
    CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
    CREATE INDEX events_by_category ON events (category);
    CREATE TABLE snapshots (stream TEXT PRIMARY KEY, version INTEGER NOT NULL,
        fingerprint TEXT NOT NULL, state BLOB NOT NULL);
    CREATE TABLE checkpoints (subscriber TEXT PRIMARY KEY, position INTEGER NOT NULL);
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    INSERT INTO meta VALUES ('identity', 'the first one');
    INSERT INTO checkpoints VALUES ('policy', 1);
    PRAGMA application_id = 1869374838;
    PRAGMA user_version = 1;
"""


@pytest.fixture
def old_file(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_1)
        connection.execute(
            "INSERT INTO events VALUES (1, 'order-1', 0, 'order', ?, 'Old', ?, ?, "
            "1700000000123456)",
            (EVENT_ID.bytes, b'{"a":1}', b"{}"),
        )
    return path


def version_of(path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


async def test_older_file_is_migrated_and_keeps_everything(old_file):
    store = await SqliteEventStore.open(old_file)
    (old,) = await store.read_stream("order-1")
    assert (old.id, old.type, old.data) == (EVENT_ID, "Old", b'{"a":1}')
    assert old.recorded_at == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert await store.identity() == "the first one"
    assert await store.load_checkpoint("policy") == old.position
    entry = ParkedStream("policy", "order-1", 0, uuid4(), "E", datetime(2026, 1, 1, tzinfo=UTC))
    await store.park(entry)
    assert list(await store.parked()) == [entry]
    assert (await store.append("order-1", [event()], expected=0)).version == 1
    await store.close()
    assert version_of(old_file) == SCHEMA_VERSION


async def test_failed_migration_leaves_the_old_file(old_file, monkeypatch):
    broken = ((), ("CREATE TABLE half (a)", "nonsense"))
    monkeypatch.setattr("event_store.sqlite.schema.MIGRATIONS", broken)
    with pytest.raises(Exception, match="nonsense"):
        await SqliteEventStore.open(old_file)
    assert version_of(old_file) == 1
    monkeypatch.undo()
    store = await SqliteEventStore.open(old_file)
    assert len(await store.read_stream("order-1")) == 1
    await store.close()


async def test_newer_file_is_refused_and_left_alone(old_file):
    with closing(sqlite3.connect(old_file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    content = old_file.read_bytes()
    with pytest.raises(EventStoreSchemaTooNew, match=str(SCHEMA_VERSION + 1)):
        await SqliteEventStore.open(old_file)
    assert old_file.read_bytes() == content


async def test_new_files_have_identities_of_their_own(path):
    identities = set()
    for name in ("a.db", "b.db"):
        store = await SqliteEventStore.open(path.with_name(name))
        identities.add(await store.identity())
        await store.close()
    assert len(identities) == 2


async def test_snapshots_of_before_hashes_are_kept(old_file):
    with closing(sqlite3.connect(old_file, isolation_level=None)) as connection:
        connection.execute("INSERT INTO snapshots VALUES ('order-1', 0, 'f', x'00')")
    store = await SqliteEventStore.open(old_file)
    assert await store.load_snapshot("order-1") == Snapshot("order-1", 0, "f", b"\0", "")
    chained = Snapshot("order-1", 1, "f", b"\1", "hash")
    await store.save_snapshot(chained)
    assert await store.load_snapshot("order-1") == chained
    await store.close()
