from __future__ import annotations

import pytest

from event_store.sqlite import SqliteEventStore
from tests.integration.users.world import World
from tests.support.tampering import verify_file


@pytest.fixture
async def store(tmp_path):
    store = await SqliteEventStore.open(tmp_path / "events.db")
    yield store
    await store.close()
    # Whatever crashed and whoever completed it: the events are chained.
    assert await verify_file(tmp_path / "events.db") == []


@pytest.fixture
def world(store):
    return World(store)
