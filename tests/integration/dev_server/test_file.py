"""The file of the server."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from event_store.dev_server.schema import SCHEMA_VERSION
from event_store.dev_server.server import CannotListen, running_server
from event_store.errors import EventStoreCorrupt, EventStoreSchemaTooNew, EventStoreUnavailable
from event_store.sqlite import SqliteEventStore


async def _opened(path, **settings) -> None:
    async with running_server(path, **settings):
        pass


async def test_the_file_of_the_embedded_store_is_not_taken_for_ours(tmp_path):
    path = tmp_path / "events.db"
    store = await SqliteEventStore.open(path)
    await store.close()
    with pytest.raises(EventStoreCorrupt):
        await _opened(path)


async def test_a_file_that_is_none_of_sqlite_is_refused(tmp_path):
    path = tmp_path / "events.db"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(EventStoreCorrupt):
        await _opened(path)


async def test_a_file_of_newer_software_is_refused(tmp_path):
    path = tmp_path / "events.db"
    await _opened(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(EventStoreSchemaTooNew):
        await _opened(path)


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(EventStoreUnavailable):
        await _opened(tmp_path)


async def test_an_address_that_is_taken_is_refused(tmp_path):
    async with running_server(tmp_path / "one.db") as server:
        with pytest.raises(CannotListen, match=str(server.port)):
            await _opened(tmp_path / "other.db", port=server.port)
