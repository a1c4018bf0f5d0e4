from __future__ import annotations

import pytest

from event_store.sqlite import SqliteEventStore
from tests.integration.users.world import World


@pytest.fixture
async def store(tmp_path):
    store = await SqliteEventStore.open(tmp_path / "events.db")
    yield store
    await store.close()


@pytest.fixture
def world(store):
    return World(store)
