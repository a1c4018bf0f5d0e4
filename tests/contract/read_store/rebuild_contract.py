"""Rebuilds: one at a time, listed with a lease; loading in bulk equals writing; scanning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.documents import CUSTOMERS, DOCUMENT_TYPES, ORDER_DETAILS
from read_side.port import (
    AnyOf,
    Checkpoint,
    Discard,
    DocumentRefused,
    Matches,
    Put,
    Search,
    UnknownGeneration,
    WriteBatch,
)
from read_side.rebuild_port import RebuildUnderWay
from tests.contract.read_store.support import ORDERS, customer, found, line, new, order, parked

LEASE = {"total": 10, "lease_seconds": 60}


def shown(stored):
    """All but the revisions, which are each store's own."""
    return {key: (one.document, one.streams) for key, one in stored.items()}


async def begun(store, kind=ORDER_DETAILS):
    return await store.begin_rebuild(kind, "print", **LEASE)


class RebuildContract:
    async def test_right_to_rebuild_is_one_projections_and_one_holders(self, backend, store):
        other = await backend.open()
        async with store.rebuilding(ORDERS):
            with pytest.raises(RebuildUnderWay):
                async with other.rebuilding(ORDERS):
                    pass
            async with other.rebuilding("customers"):
                pass
        async with other.rebuilding(ORDERS):
            pass

    async def test_begun_rebuild_is_listed_for_everybody(self, backend, store):
        other = await backend.open()
        generation = await begun(store)
        (listed,) = await other.rebuilds(ORDERS)
        assert (listed.generation, listed.phase, listed.done, listed.total) == (
            generation, "loading", 0, 10,
        )  # fmt: skip
        assert not listed.acknowledged
        now = datetime.now(UTC)
        assert not listed.is_abandoned(now + timedelta(seconds=30))
        assert listed.is_abandoned(now + timedelta(seconds=61))
        assert await store.rebuilds("customers") == []

    async def test_reported_and_acknowledged_rebuild_says_so(self, store):
        generation = await begun(store)
        await store.acknowledge_rebuild(generation)
        await store.report_rebuild(generation, "built", done=9, total=10, lease_seconds=0)
        (listed,) = await store.rebuilds(ORDERS)
        assert (listed.phase, listed.done, listed.acknowledged) == ("built", 9, True)
        assert not listed.is_abandoned(datetime.now(UTC) + timedelta(days=1))

    async def test_dropped_generation_takes_no_reports(self, store):
        generation = await begun(store)
        await store.drop(generation)
        assert await store.rebuilds(ORDERS) == []
        with pytest.raises(UnknownGeneration):
            await store.report_rebuild(generation, "loading", done=1, **LEASE)

    async def test_activated_or_ended_rebuild_is_not_listed_again(self, store, orders):
        generation = await begun(store)
        await store.activate(generation)
        await store.report_rebuild(generation, "built", done=1, **LEASE)
        assert await store.rebuilds(ORDERS) == []
        await store.report_rebuild(orders, "following", done=0, **LEASE)
        assert [one.generation.number for one in await store.rebuilds(ORDERS)] == [orders.number]
        await store.end_rebuild(orders)
        assert await store.rebuilds(ORDERS) == []


class BulkContract:
    async def test_loaded_documents_are_stored_as_written_ones_are(self, store, orders):
        documents = [
            order("o1", items=[line("p1", name="Grüner Tee"), line("p2", 3)], city="Zürich"),
            order("o2", customer="c2", reference='quo"ted'),
            order("o3", items=[line("p1", name='a "b" \\ c')]),
        ]
        generation = await begun(store)
        puts = [*map(new, documents), Put("gone", None, {"order-gone": 0}, None)]
        async with store.load_in_bulk(generation) as load:
            await load.write(generation, WriteBatch(puts))
            changed = order("o2", customer="c3", items=[line("p9", name="Cup")])
            at = (await load.load(generation, ["o2"]))["o2"].revision
            await load.write(generation, WriteBatch([Put("o2", changed, {"order-o2": 1}, at)]))
        await store.write(orders, WriteBatch(puts))
        at = (await store.load(orders, ["o2"]))["o2"].revision
        await store.write(orders, WriteBatch([Put("o2", changed, {"order-o2": 1}, at)]))
        keys = ["o1", "o2", "o3", "gone", "none"]
        loaded, written = await store.load(generation, keys), await store.load(orders, keys)
        assert shown(loaded) == shown(written)
        assert await store.scan(generation) == await store.scan(orders)
        answers = [await self._answers(store)]
        await store.activate(generation)
        answers.append(await self._answers(store))
        assert answers[0] == answers[1]
        assert answers[0][:2] == [["o1"], ["o1", "o3"]]

    async def _answers(self, store):
        found_by = [
            (Matches("zurich gruner"),), (AnyOf("items.product_id", ("p1",)),), (Matches("cup"),),
            (Matches("b c"),), (AnyOf("customer_id", ("c3",)),), (AnyOf("customer_id", ("c2",)),),
        ]  # fmt: skip
        return [
            *[await found(store, *conditions) for conditions in found_by],
            await store.count_by(ORDERS, "status"),
            await store.sums(
                ORDERS, group_by="items.product_id", fields=["items.line_total.minor"]
            ),
            await found(store, sort="-total_amount.minor"),
        ]

    async def test_every_type_can_be_loaded(self, store):
        for kind in DOCUMENT_TYPES.values():
            generation = await begun(store, kind)
            async with store.load_in_bulk(generation) as load:
                await load.write(generation, WriteBatch([Put("k", {"id": "k"}, {"s-1": 0}, None)]))
            await store.activate(generation)
            assert (await store.search(kind.name, Search())).documents == [{"id": "k"}]

    async def test_documents_are_found_while_loading_in_any_batch(self, store):
        generation = await begun(store)
        async with store.load_in_bulk(generation) as load:
            for number in range(3):
                assert await load.load(generation, [f"o{number}"]) == {}
                await load.write(generation, WriteBatch([new(order(f"o{number}"))]))
            loaded = await load.load(generation, ["o0", "o2", "o9"])
        assert {key: one.document["id"] for key, one in loaded.items()} == {"o0": "o0", "o2": "o2"}

    async def test_states_are_kept_with_the_documents(self, store):
        generation = await begun(store)
        checkpoint, stuck = Checkpoint("all", "store", "7"), parked("order-1")
        async with store.load_in_bulk(generation) as load:
            await load.discard(Discard(ORDERS, "order-2", 1, "known"))
            assert len(await load.discards(ORDERS)) == 1
            await load.write(generation, WriteBatch([], [checkpoint], [stuck]))
            assert await load.parked(generation) == [stuck]
        assert await store.checkpoints(generation) == {"all": checkpoint}
        assert await store.parked(generation) == [stuck]
        assert len(await store.discards(ORDERS)) == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"status": 5},
            {"items": "none"},
            {"total_amount": {"minor": True}},
            {"total_amount": {"minor": 2**63}},
            {"note": "\ud800"},
        ],
        ids=str,
    )
    async def test_document_that_can_not_be_stored_is_named_and_nothing_written(self, store, wrong):
        generation = await begun(store)
        async with store.load_in_bulk(generation) as load:
            puts = [new(order("o1")), new({**order("o2"), **wrong})]
            with pytest.raises(DocumentRefused) as refused:
                await load.write(generation, WriteBatch(puts))
            assert refused.value.key == "o2"
            await load.write(generation, WriteBatch(puts[:1]))
        assert [one.key for one in await store.scan(generation)] == ["o1"]

    async def test_odd_values_that_are_not_indexed_are_no_reason_to_refuse(self, store):
        generation = await begun(store)
        odd = {**order("o1"), "total_amount": "much", "items": [None, "x", {"quantity": 2}]}
        async with store.load_in_bulk(generation) as load:
            await load.write(generation, WriteBatch([new(odd)]))
        await store.activate(generation)
        assert await store.get(ORDERS, "o1") == odd
        assert await found(store, AnyOf("items.quantity", (2,))) == ["o1"]

    async def test_loaded_generation_can_be_written_on(self, store):
        generation = await begun(store)
        async with store.load_in_bulk(generation) as load:
            await load.write(generation, WriteBatch([new(order("o1"))]))
        at = (await store.load(generation, ["o1"]))["o1"].revision
        put = replace(new(order("o1", city="Paris")), revision=at)
        await store.write(generation, WriteBatch([put, new(order("o2"))]))
        await store.activate(generation)
        assert await found(store, Matches("paris")) == ["o1"]
        assert await found(store) == ["o1", "o2"]

    async def test_failed_load_can_be_dropped(self, store):
        generation = await begun(store)
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with store.load_in_bulk(generation) as load:
                await load.write(generation, WriteBatch([new(order("o1"))]))
                raise ZeroDivisionError
        await store.drop(generation)
        assert await store.generations(ORDERS) == []


class ScanContract:
    async def test_scan_goes_through_all_keys_in_pages(self, store):
        generation = await store.create_generation(CUSTOMERS, "print")
        keys = ["a", "B", "ä", "z-1", "z-10", "z-2"]
        puts = [new(customer(key, "Ada", "a@example.com")) for key in keys]
        await store.write(generation, WriteBatch(puts))
        seen, after = [], None
        while page := await store.scan(generation, after=after, limit=2):
            seen += [one.key for one in page]
            after = page[-1].key
        assert seen == sorted(keys)
