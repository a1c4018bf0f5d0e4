"""Processes, and the server itself, that end between two requests."""

from __future__ import annotations

import pytest

from contracts.documents import ORDER_DETAILS
from read_side.port import ReadStoreUnavailable, WriteBatch
from tests.contract.read_store.support import ORDERS, new, order


async def rebuilt(store):
    """A generation that was built and not yet switched to."""
    generation = await store.begin_rebuild(ORDER_DETAILS, "code", total=0, lease_seconds=15)
    await store.report_rebuild(generation, "built", done=0, total=0, lease_seconds=15)
    return generation


async def test_generation_whose_switch_was_cut_short_is_no_rebuild_once_it_is_retired(store):
    first = await rebuilt(store)
    await store._catalogue.activate(first)  # What follows in `activate` was not done any more.
    assert await store.rebuilds(ORDERS) == []
    await store.activate(await rebuilt(store))
    assert [one.state for one in await store.generations(ORDERS)] == ["retired", "active"]
    assert await store.rebuilds(ORDERS) == []


async def test_load_fails_when_the_server_began_anew_meanwhile(store, raw, prefix):
    """Its index is not synced after each write: a server that died has lost some of them."""
    generation = await store.create_generation(ORDER_DETAILS, "code")
    index = f"{prefix}-{ORDERS}-{generation.number}"

    async def load_and_begin_anew():
        async with store.load_in_bulk(generation) as load:
            await load.write(generation, WriteBatch([new(order("o1"))]))
            await load.finish()
            await raw.indices.close(index=index)
            await raw.indices.open(index=index)
            await load.write(generation, WriteBatch([new(order("o2"))]))

    with pytest.raises(ReadStoreUnavailable, match="began anew"):
        await load_and_begin_anew()
