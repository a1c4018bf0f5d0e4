"""Parked streams, requests of operators, discards, pauses."""

from __future__ import annotations

import pytest

from contracts.documents import ORDER_DETAILS
from read_side.port import Checkpoint, Discard, Put, WriteBatch, WriteConflict
from tests.contract.read_store.support import ORDERS, new, order, parked


class ParkingContract:
    async def test_parked_streams_come_oldest_first_with_all_that_is_known(self, store, orders):
        second, first = parked("order-a", minute=2), parked("order-b", minute=1)
        await store.write(orders, WriteBatch(park=[second]))
        await store.write(orders, WriteBatch(park=[first]))
        assert await store.parked(orders) == [first, second]

    async def test_parking_is_written_with_documents_and_checkpoint(self, store, orders):
        checkpoint = Checkpoint("0", "s", "5")
        await store.write(
            orders, WriteBatch([new(order("o1"))], [checkpoint], park=[parked("order-x")])
        )
        assert [one.stream for one in await store.parked(orders)] == ["order-x"]
        assert await store.checkpoints(orders) == {"0": checkpoint}

    async def test_conflict_neither_parks_nor_unparks(self, store, orders):
        await store.write(orders, WriteBatch(park=[parked("order-old")]))
        conflict = Put("o1", order("o1"), {}, 4)
        batch = WriteBatch([conflict], park=[parked("order-new")], unpark=["order-old"])
        with pytest.raises(WriteConflict):
            await store.write(orders, batch)
        assert [one.stream for one in await store.parked(orders)] == ["order-old"]

    async def test_unparked_stream_is_gone(self, store, orders):
        await store.write(orders, WriteBatch(park=[parked("order-a"), parked("order-b")]))
        await store.write(orders, WriteBatch(unpark=["order-a", "order-never"]))
        assert [one.stream for one in await store.parked(orders)] == ["order-b"]

    async def test_parking_again_takes_the_place_of_the_first(self, store, orders):
        await store.write(orders, WriteBatch(park=[parked("order-a")]))
        again = parked("order-a", minute=9)
        await store.write(orders, WriteBatch(unpark=["order-a"], park=[again]))
        assert await store.parked(orders) == [again]

    @pytest.mark.parametrize(("what", "why"), [("retry", None), ("discard", "a test order")])
    async def test_request_stands_until_parked_anew(self, backend, store, orders, what, why):
        await store.write(orders, WriteBatch(park=[parked("order-a"), parked("order-b")]))
        operator = await backend.open()
        assert await operator.request(orders, "order-a", what, why)
        asked = {one.stream: (one.request, one.reason) for one in await store.parked(orders)}
        assert asked == {"order-a": (what, why), "order-b": (None, None)}
        await store.write(orders, WriteBatch(park=[parked("order-a")]))
        assert {one.request for one in await store.parked(orders)} == {None}

    async def test_request_for_a_stream_that_flows_is_false(self, store, orders):
        assert not await store.request(orders, "order-a", "retry", None)
        assert await store.parked(orders) == []

    async def test_generations_park_apart(self, store, orders):
        await store.write(orders, WriteBatch(park=[parked("order-a")]))
        other = await store.create_generation(ORDER_DETAILS, "second")
        assert await store.parked(other) == []
        assert not await store.request(other, "order-a", "retry", None)

    async def test_discards_are_remembered_by_projection(self, backend, store):
        first = Discard(ORDERS, "order-a", 3, "made by mistake")
        other = Discard("customers", "user-a", 0, "another")
        for discard in (first, other, Discard(ORDERS, "order-a", 1, "x"), first):
            await store.discard(discard)
        store = await backend.restart()
        assert await store.discards("customers") == [other]
        assert set(await store.discards(ORDERS)) == {first, Discard(ORDERS, "order-a", 1, "x")}
        assert await store.discards("stock_levels") == []

    async def test_pause_is_seen_by_all_and_outlives_them(self, backend, store):
        other = await backend.open()
        assert not await store.is_paused(ORDERS)
        await other.set_paused(ORDERS, True)
        await other.set_paused(ORDERS, True)
        assert await store.is_paused(ORDERS)
        assert not await store.is_paused("customers")
        store = await backend.restart()
        assert await store.is_paused(ORDERS)
        await store.set_paused(ORDERS, False)
        assert not await store.is_paused(ORDERS)

    async def test_pause_and_generations_do_not_disturb_each_other(self, store):
        await store.set_paused(ORDERS, True)
        generation = await store.create_generation(ORDER_DETAILS, "first")
        assert generation.number == 1
        assert await store.is_paused(ORDERS)
