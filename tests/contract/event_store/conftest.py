from __future__ import annotations

import pytest

from tests.contract.event_store.support import Backend


@pytest.fixture
async def store(backend: Backend):
    return await backend.open()


@pytest.fixture
async def start(store):
    """The end of the store when the test began: others may have written before."""
    return await store.head()
