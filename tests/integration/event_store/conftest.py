from __future__ import annotations

import pytest

from event_store.sqlite import SqliteEventStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
async def store(path):
    store = await SqliteEventStore.open(path)
    yield store
    await store.close()
