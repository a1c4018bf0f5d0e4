"""Writing: compare-and-set, checkpoints with documents, reading back by key."""

from __future__ import annotations

import asyncio

import pytest

from contracts.documents import ORDER_DETAILS
from read_side.port import (
    Checkpoint,
    DocumentRefused,
    Put,
    UnknownGeneration,
    WriteBatch,
    WriteConflict,
)
from tests.contract.read_store.support import ORDERS, fill, found, line, money, new, order


async def revision(store, generation, key):
    return (await store.load(generation, [key]))[key].revision


class WriteContract:
    async def test_written_document_is_read_at_once(self, store, orders):
        document = order("o1", items=[line("p1", 2)], recipient='Zoë "Z" O\'Hara 😀')
        await store.write(orders, WriteBatch([new(document)]))
        assert await store.get(ORDERS, "o1") == document

    @pytest.mark.parametrize("key", ["nobody", "", "o1' --", "a\0b", "\ud800", "x" * 500])
    async def test_document_that_does_not_exist_is_none(self, store, orders, key):
        await fill(store, orders, order("o1"))
        assert await store.get(ORDERS, key) is None
        assert await store.get_many(ORDERS, [key]) == {}
        assert await store.load(orders, [key]) == {}

    async def test_get_many_gives_those_that_exist(self, store, orders):
        await fill(store, orders, *(order(f"o{n}") for n in range(250)))
        keys = [f"o{n}" for n in range(0, 300, 2)]
        many = await store.get_many(ORDERS, keys)
        assert sorted(many) == sorted(f"o{n}" for n in range(0, 250, 2))
        assert all(document["id"] == key for key, document in many.items())
        assert await store.get_many(ORDERS, []) == {}

    async def test_load_gives_document_streams_and_revision(self, store, orders):
        streams = {"order-o1": 4, "user-c1": 0}
        await store.write(orders, WriteBatch([Put("o1", order("o1"), streams, None)]))
        stored = (await store.load(orders, ["o1", "o2"]))["o1"]
        assert (stored.document, stored.streams) == (order("o1"), streams)

    async def test_every_write_changes_the_revision(self, store, orders):
        await store.write(orders, WriteBatch([new(order("o1"))]))
        seen = [await revision(store, orders, "o1")]
        for version in range(1, 4):
            put = Put("o1", order("o1"), {"order-o1": version}, seen[-1])
            await store.write(orders, WriteBatch([put]))
            seen.append(await revision(store, orders, "o1"))
        assert len(set(seen)) == 4

    async def test_document_none_shows_nothing_and_keeps_its_streams(self, store, orders):
        await fill(store, orders, order("o1", recipient="Hidden", items=[line("p1")]))
        at = await revision(store, orders, "o1")
        await store.write(orders, WriteBatch([Put("o1", None, {"order-o1": 7}, at)]))
        await store.write(orders, WriteBatch([Put("o2", None, {"order-o2": 1}, None)]))
        await store.refresh(ORDERS)
        assert await store.get(ORDERS, "o1") is None
        assert await store.get_many(ORDERS, ["o1", "o2"]) == {}
        assert await found(store) == []
        assert await found(store, sort="-total_amount.minor") == []
        assert await store.count_by(ORDERS, "status") == {}
        assert await store.sums(ORDERS, group_by="items.product_id", fields=[]) == []
        stored = await store.load(orders, ["o1", "o2"])
        assert [stored[key].document for key in ("o1", "o2")] == [None, None]
        assert [stored[key].streams for key in ("o1", "o2")] == [{"order-o1": 7}, {"order-o2": 1}]

    async def test_document_can_come_back(self, store, orders):
        await store.write(orders, WriteBatch([Put("o1", None, {"order-o1": 1}, None)]))
        at = await revision(store, orders, "o1")
        document = order("o1", recipient="Grace Hopper")
        await store.write(orders, WriteBatch([Put("o1", document, {"order-o1": 2}, at)]))
        await store.refresh(ORDERS)
        assert await store.get(ORDERS, "o1") == document
        assert await found(store) == ["o1"]

    @pytest.mark.parametrize("expected", [None, 99])
    async def test_another_revision_is_a_conflict(self, store, orders, expected):
        await fill(store, orders, order("o1"))
        with pytest.raises(WriteConflict) as refused:
            await store.write(orders, WriteBatch([Put("o1", order("o1", city="X"), {}, expected)]))
        assert refused.value.keys == ("o1",)
        assert await store.get(ORDERS, "o1") == order("o1")

    async def test_revision_of_a_missing_document_is_a_conflict(self, store, orders):
        with pytest.raises(WriteConflict) as refused:
            await store.write(orders, WriteBatch([Put("o1", order("o1"), {}, 1)]))
        assert refused.value.keys == ("o1",)
        assert await store.load(orders, ["o1"]) == {}

    async def test_conflict_names_all_keys_and_leaves_the_checkpoint(self, store, orders, backend):
        await fill(store, orders, *(order(f"o{n}") for n in range(3)))
        before = Checkpoint("0", "store-a", "0001")
        await store.write(orders, WriteBatch(checkpoints=[before]))
        puts = [new(order(f"o{n}", city="Elsewhere")) for n in range(5)]
        with pytest.raises(WriteConflict) as refused:
            await store.write(orders, WriteBatch(puts, [Checkpoint("0", "store-a", "0002")]))
        assert sorted(refused.value.keys) == ["o0", "o1", "o2"]
        assert await store.checkpoints(orders) == {"0": before}
        assert (await store.get(ORDERS, "o0"))["shipping_address"]["city"] == "London"
        if backend.capabilities.whole_batches:
            assert await store.load(orders, ["o3", "o4"]) == {}

    async def test_of_racing_writers_exactly_one_wins_each_revision(self, backend, store, orders):
        await store.write(orders, WriteBatch([Put("o1", {**order("o1"), "n": 0}, {}, None)]))
        stores = [store, await backend.open()]

        async def add_one(mine) -> int:
            conflicts = 0
            while True:
                stored = (await mine.load(orders, ["o1"]))["o1"]
                more = {**stored.document, "n": stored.document["n"] + 1}
                try:
                    await mine.write(orders, WriteBatch([Put("o1", more, {}, stored.revision)]))
                except WriteConflict:
                    conflicts += 1
                else:
                    return conflicts

        conflicts = await asyncio.gather(*(add_one(stores[n % 2]) for n in range(20)))
        assert (await store.get(ORDERS, "o1"))["n"] == 20
        assert sum(conflicts) > 0

    async def test_key_that_stands_twice_in_a_batch_is_a_mistake_of_the_caller(self, store, orders):
        with pytest.raises(ValueError, match="twice"):
            await store.write(orders, WriteBatch([new(order("o1")), new(order("o1"))]))
        assert await store.load(orders, ["o1"]) == {}

    async def test_large_batch_is_written_whole(self, store, orders):
        puts = [new(order(f"o{n:04}", items=[line("p1")])) for n in range(1, 1001)]
        await store.write(orders, WriteBatch(puts, [Checkpoint("0", "s", "9")]))
        stored = await store.load(orders, [put.key for put in puts])
        again = [
            Put(put.key, {**put.document, "status": "shipped"}, {}, stored[put.key].revision)
            for put in puts
        ]
        mixed = [*again, *(new(order(f"n{n}", status="new")) for n in range(10))]
        await store.write(orders, WriteBatch(mixed))
        await store.refresh(ORDERS)
        assert await store.count_by(ORDERS, "status") == {"new": 10, "shipped": 1000}
        (row,) = await store.sums(ORDERS, group_by="items.product_id", fields=["items.quantity"])
        assert (row.documents, row.sums["items.quantity"]) == (1000, 1000)

    @pytest.mark.parametrize(
        "change",
        [
            {"status": 5},
            {"status": ["created"]},
            {"created_at": 12},
            {"total_amount": money(2**63)},
            {"total_amount": {"minor": "12", "currency": "EUR"}},
            {"total_amount": {"minor": 1.5, "currency": "EUR"}},
            {"items": "none"},
            {"note": object()},
            {"note": "\ud800"},
        ],
    )
    async def test_document_that_is_not_of_its_type_is_refused(self, store, orders, change):
        bad = {**order("bad"), **change}
        puts = [new(order("good")), new(bad)]
        with pytest.raises(DocumentRefused) as refused:
            await store.write(orders, WriteBatch(puts, [Checkpoint("0", "s", "1")]))
        assert refused.value.key == "bad"
        assert await store.load(orders, ["good", "bad"]) == {}
        assert await store.checkpoints(orders) == {}
        await fill(store, orders, order("good"))
        assert await found(store) == ["good"]

    async def test_cancelled_write_harms_nobody(self, store, orders):
        puts = [new(order(f"o{n}")) for n in range(2000)]
        task = asyncio.create_task(store.write(orders, WriteBatch(puts)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.write(orders, WriteBatch([new(order("after"))]))
        assert await store.get(ORDERS, "after") is not None

    async def test_changes_are_found_and_what_was_is_not(self, store, orders):
        await fill(store, orders, order("o1", items=[line("p1", name="Tea")], recipient="Ada"))
        at = await revision(store, orders, "o1")
        after = order("o1", items=[line("p2", name="Coffee")], recipient="Grace", status="shipped")
        await store.write(orders, WriteBatch([Put("o1", after, {}, at)]))
        await store.refresh(ORDERS)
        assert await store.count_by(ORDERS, "items.product_id") == {"p2": 1}
        assert await store.count_by(ORDERS, "status") == {"shipped": 1}


class CheckpointContract:
    async def test_new_generation_has_no_checkpoints(self, store, orders):
        assert await store.checkpoints(orders) == {}

    async def test_checkpoints_are_kept_by_source(self, store, orders):
        a, b = Checkpoint("a", "store-1", "0001"), Checkpoint("b", "store-1", "0005")
        for checkpoint in (a, b):
            await store.write(orders, WriteBatch(checkpoints=[checkpoint]))
        assert await store.checkpoints(orders) == {"a": a, "b": b}
        moved = Checkpoint("a", "store-2", "0000")
        await store.write(orders, WriteBatch([new(order("o1"))], [moved]))
        assert await store.checkpoints(orders) == {"a": moved, "b": b}

    async def test_checkpoint_survives_a_restart(self, backend, store, orders):
        checkpoint = Checkpoint("a", "store-1", "0001")
        await store.write(orders, WriteBatch([new(order("o1"))], [checkpoint]))
        store = await backend.restart()
        assert await store.checkpoints(orders) == {"a": checkpoint}
        assert await store.get(ORDERS, "o1") == order("o1")

    async def test_generations_have_their_own(self, store, orders):
        await store.write(orders, WriteBatch(checkpoints=[Checkpoint("a", "s", "1")]))
        other = await store.create_generation(ORDER_DETAILS, "second")
        assert await store.checkpoints(other) == {}

    async def test_dropped_generation_takes_no_writes(self, store):
        generation = await store.create_generation(ORDER_DETAILS, "gone")
        await store.drop(generation)
        with pytest.raises(UnknownGeneration):
            await store.write(generation, WriteBatch([new(order("o1"))]))
        with pytest.raises(UnknownGeneration):
            await store.load(generation, ["o1"])
