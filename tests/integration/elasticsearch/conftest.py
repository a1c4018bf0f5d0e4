from __future__ import annotations

import pytest
from elasticsearch import AsyncElasticsearch

from contracts.documents import ORDER_DETAILS
from read_side.elasticsearch import ElasticsearchReadStore
from tests.support.elasticsearch import new_prefix, remove_all


@pytest.fixture
async def prefix(elasticsearch):
    prefix = new_prefix()
    yield prefix
    await remove_all(elasticsearch, prefix)


@pytest.fixture
async def opened(elasticsearch, prefix):
    """Opens stores that see the same documents."""
    stores = []

    async def open_one() -> ElasticsearchReadStore:
        stores.append(await ElasticsearchReadStore.open(elasticsearch, prefix=prefix))
        return stores[-1]

    yield open_one
    for store in stores:
        await store.close()


@pytest.fixture
async def store(opened):
    return await opened()


@pytest.fixture
async def orders(store):
    """The active generation of `order_details`."""
    generation = await store.create_generation(ORDER_DETAILS, "first")
    await store.activate(generation)
    return generation


@pytest.fixture
async def raw(elasticsearch):
    """A client of the test's own."""
    async with AsyncElasticsearch(elasticsearch) as client:
        yield client
