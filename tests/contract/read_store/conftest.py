from __future__ import annotations

import pytest

from contracts.documents import CUSTOMERS, ORDER_DETAILS
from tests.contract.read_store.support import Backend


@pytest.fixture
async def store(backend: Backend):
    return await backend.open()


@pytest.fixture
async def orders(store):
    """The active generation of `order_details`."""
    generation = await store.create_generation(ORDER_DETAILS, "first")
    await store.activate(generation)
    return generation


@pytest.fixture
async def customers(store):
    """The active generation of `customers`."""
    generation = await store.create_generation(CUSTOMERS, "first")
    await store.activate(generation)
    return generation
