"""Generations: built beside each other, switched in one step, dropped."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from contracts.documents import CUSTOMERS, DOCUMENT_TYPES, ORDER_DETAILS
from read_side.port import (
    FieldNotIndexed,
    NoActiveGeneration,
    ReadStoreError,
    Search,
    UnknownGeneration,
    WriteBatch,
)
from tests.contract.read_store.support import ORDERS, fill, found, new, order


async def states(store, projection=ORDERS):
    return [(one.number, one.state) for one in await store.generations(projection)]


class GenerationContract:
    async def test_nothing_projected_has_no_generations_and_no_answers(self, store):
        assert await store.generations(ORDERS) == []
        asks = [
            store.get(ORDERS, "o1"),
            store.get_many(ORDERS, ["o1"]),
            store.search(ORDERS, Search()),
            store.count_by(ORDERS, "status"),
            store.sums(ORDERS, group_by="status", fields=[]),
        ]
        for ask in asks:
            with pytest.raises(NoActiveGeneration):
                await ask

    async def test_building_generation_takes_writes_and_answers_nothing(self, store):
        generation = await store.create_generation(ORDER_DETAILS, "print")
        await store.write(generation, WriteBatch([new(order("o1"))]))
        assert (await store.load(generation, ["o1"]))["o1"].document == order("o1")
        with pytest.raises(NoActiveGeneration):
            await store.get(ORDERS, "o1")

    async def test_generation_is_listed_as_it_was_made(self, store):
        before = datetime.now(UTC)
        made = await store.create_generation(ORDER_DETAILS, "print")
        assert (made.projection, made.state, made.fingerprint) == (ORDERS, "building", "print")
        assert timedelta(0) <= made.created_at - before < timedelta(seconds=30)
        assert await store.generations(ORDERS) == [made]

    async def test_all_document_types_can_be_kept(self, store):
        for kind in DOCUMENT_TYPES.values():
            generation = await store.create_generation(kind, "print")
            await store.activate(generation)
            assert (await store.search(kind.name, Search())).documents == []

    async def test_activating_switches_and_retires_the_one_before(self, store, orders):
        await fill(store, orders, order("o1", city="Old"))
        second = await store.create_generation(ORDER_DETAILS, "second")
        await fill(store, second, order("o1", city="New"), order("o2"))
        assert await found(store) == ["o1"]
        await store.activate(second)
        assert await found(store) == ["o1", "o2"]
        assert (await store.get(ORDERS, "o1"))["shipping_address"]["city"] == "New"
        assert await states(store) == [(1, "retired"), (2, "active")]
        await store.activate(orders)
        assert await found(store) == ["o1"]
        assert await states(store) == [(1, "active"), (2, "retired")]

    async def test_activating_again_changes_nothing(self, store, orders):
        await store.activate(orders)
        assert await states(store) == [(1, "active")]

    async def test_switch_shows_one_or_the_other_and_never_nothing(self, store, orders):
        await fill(store, orders, order("o1"))
        second = await store.create_generation(ORDER_DETAILS, "second")
        await fill(store, second, order("o1"), order("o2"))
        seen: list[int] = []
        done = asyncio.Event()

        async def look():
            while not done.is_set():
                seen.append(len(await found(store)))

        looking = asyncio.create_task(look())
        for number in range(6):
            await store.activate((second, orders)[number % 2])
        done.set()
        await looking
        assert seen
        assert set(seen) <= {1, 2}

    async def test_another_instance_sees_the_switch(self, backend, store, orders):
        other = await backend.open()
        await fill(store, orders, order("o1"))
        assert await other.get(ORDERS, "o1") == order("o1")
        second = await store.create_generation(ORDER_DETAILS, "second")
        await fill(store, second, order("o2"))
        await store.activate(second)
        assert await other.get(ORDERS, "o1") is None
        assert await other.get(ORDERS, "o2") == order("o2")
        assert await found(other) == ["o2"]
        assert await states(other) == [(1, "retired"), (2, "active")]

    async def test_generations_of_other_projections_are_apart(self, store, orders):
        await fill(store, orders, order("x"))
        customers = await store.create_generation(CUSTOMERS, "print")
        await store.activate(customers)
        assert await states(store) == [(1, "active")]
        assert await states(store, "customers") == [(1, "active")]
        assert await store.get("customers", "x") is None

    async def test_numbers_are_never_used_again(self, store, orders):
        second = await store.create_generation(ORDER_DETAILS, "second")
        await store.drop(second)
        third = await store.create_generation(ORDER_DETAILS, "third")
        assert third.number == 3
        assert await states(store) == [(1, "active"), (3, "building")]

    async def test_dropped_generation_is_gone_and_can_be_dropped_again(self, store, orders):
        second = await store.create_generation(ORDER_DETAILS, "second")
        await store.write(second, WriteBatch([new(order("o1"))]))
        await store.drop(second)
        await store.drop(second)
        assert await states(store) == [(1, "active")]
        with pytest.raises(UnknownGeneration):
            await store.activate(second)
        assert await states(store) == [(1, "active")]

    async def test_active_generation_is_not_dropped(self, store, orders):
        await fill(store, orders, order("o1"))
        with pytest.raises(ReadStoreError):
            await store.drop(orders)
        assert await store.get(ORDERS, "o1") == order("o1")

    async def test_racing_creations_get_numbers_of_their_own(self, backend, store):
        other = await backend.open()
        made = await asyncio.gather(
            *((store, other)[n % 2].create_generation(ORDER_DETAILS, f"f{n}") for n in range(8))
        )
        assert sorted(one.number for one in made) == list(range(1, 9))
        assert len(await store.generations(ORDERS)) == 8

    async def test_generation_of_other_code_says_what_it_does_not_index(self, store):
        before = type(ORDER_DETAILS)(ORDERS, {"id": ORDER_DETAILS.fields["id"]})
        generation = await store.create_generation(before, "old code")
        await store.activate(generation)
        await fill(store, generation, order("o1"))
        assert await found(store) == ["o1"]
        with pytest.raises(FieldNotIndexed, match="status"):
            await store.count_by(ORDERS, "status")


class WaitContract:
    async def test_write_ends_the_wait(self, store, orders):
        waiting = asyncio.create_task(store.wait_for_write(ORDERS, 60))
        await asyncio.sleep(0)
        await store.write(orders, WriteBatch([new(order("o1"))]))
        async with asyncio.timeout(10):
            await waiting
        assert await store.get(ORDERS, "o1") is not None

    async def test_write_of_another_instance_ends_the_wait(self, backend, store, orders):
        other = await backend.open()
        waiting = asyncio.create_task(store.wait_for_write(ORDERS, 60))
        numbers = itertools.count()
        async with asyncio.timeout(10):
            # More than one, as the first may come before the wait has begun.
            while not waiting.done():
                await other.write(orders, WriteBatch([new(order(f"o{next(numbers)}"))]))
                await asyncio.wait([waiting], timeout=0.1)
        await waiting

    async def test_first_activation_ends_the_wait(self, store):
        waiting = asyncio.create_task(store.wait_for_write(ORDERS, 60))
        await asyncio.sleep(0)
        await store.activate(await store.create_generation(ORDER_DETAILS, "first"))
        async with asyncio.timeout(10):
            await waiting

    async def test_wait_ends_at_its_limit(self, store, orders):
        async with asyncio.timeout(10):
            await store.wait_for_write(ORDERS, 0.05)
            await store.wait_for_write("customers", 0.05)
            await store.wait_for_write(ORDERS, 0)
