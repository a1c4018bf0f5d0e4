from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from event_store.sqlite import SqliteEventStore
from tests.support.commands import Shop


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteEventStore]:
    opened = await SqliteEventStore.open(tmp_path / "events.db")
    yield opened
    await opened.close()


@pytest.fixture
async def shop(store: SqliteEventStore) -> Shop:
    return Shop(store)
