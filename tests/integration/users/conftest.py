from __future__ import annotations

import pytest

from tests.integration.users.world import World
from tests.support.stores import KINDS, opened, place
from tests.support.tampering import verify


@pytest.fixture(params=KINDS)
async def address(request, tmp_path):
    """Where the store is; it can be opened again."""
    async with place(request.param, tmp_path) as address:
        yield address
        # Whatever crashed and whoever completed it: the events are chained.
        async with opened(address) as store:
            assert (await verify(store))[1] == []


@pytest.fixture
async def store(address):
    async with opened(address) as store:
        yield store


@pytest.fixture
def world(store):
    return World(store)
