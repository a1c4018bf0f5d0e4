from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from event_store.port import WholeEventStore
from tests.support.commands import Shop
from tests.support.stores import KINDS, opened, place


@pytest.fixture(params=KINDS)
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Where the store is; another process can be given it."""
    async with place(request.param, tmp_path) as address:
        yield address


@pytest.fixture
async def store(address: str) -> AsyncIterator[WholeEventStore]:
    async with opened(address) as store:
        yield store


@pytest.fixture
async def shop(store: WholeEventStore) -> Shop:
    return Shop(store)
