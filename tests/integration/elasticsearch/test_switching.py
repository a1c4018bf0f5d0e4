"""Readers while generations are switched under them, and while the old ones are dropped."""

from __future__ import annotations

import asyncio

from contracts.documents import ORDER_DETAILS, DocumentType
from read_side.port import AnyOf, Put, Search, WriteBatch
from tests.contract.read_store.support import ORDERS, fill, new, order

READERS_A_SECOND = 50
SWITCHES = 10


async def build(store, number):
    # Every other one indexes a field less: code that builds generations changes, too.
    fields = dict(ORDER_DETAILS.fields)
    if number % 2:
        del fields["external_reference"]
    kind = DocumentType(ORDERS, fields, ORDER_DETAILS.nested)
    generation = await store.create_generation(kind, f"code {number}")
    puts = [new(order(f"o{at}", reference=str(number))) for at in range(5)]
    await store.write(generation, WriteBatch(puts))
    return generation


async def test_no_reader_fails_or_sees_nothing_while_generations_are_switched(opened):
    store, reading = await opened(), await opened()
    await store.activate(await build(store, 0))
    done = asyncio.Event()
    asked: list[asyncio.Task[None]] = []

    async def look(number):
        match number % 4:
            case 0:
                assert await reading.get(ORDERS, "o1") is not None
            case 1:
                assert len(await reading.get_many(ORDERS, ["o1", "o2"])) == 2
            case 2:
                created = Search((AnyOf("status", ("created",)),), sort="-created_at")
                assert len((await reading.search(ORDERS, created)).documents) == 5
            case _:
                assert await reading.count_by(ORDERS, "status") == {"created": 5}

    async def read():
        while not done.is_set():
            asked.append(asyncio.create_task(look(len(asked))))
            await asyncio.sleep(1 / READERS_A_SECOND)

    readers = asyncio.create_task(read())
    for number in range(1, SWITCHES + 1):
        generation = await build(store, number)
        await store.activate(generation)
        for one in await store.generations(ORDERS):
            if one.state == "retired":
                await store.drop(one)
    done.set()
    await readers
    await asyncio.gather(*asked)
    assert len(asked) > SWITCHES


async def test_scan_shows_a_generation_as_it_was_when_it_began(store, orders):
    await fill(store, orders, *(order(f"o{number}") for number in range(5)))
    first = await store.scan(orders, limit=2)
    stored = (await store.load(orders, ["o4"]))["o4"]
    changed = Put("o4", order("o4", city="Paris"), {}, stored.revision)
    await store.write(orders, WriteBatch([changed, new(order("o3-new"))]))
    rest = await store.scan(orders, after=first[-1].key, limit=2)
    last = await store.scan(orders, after=rest[-1].key, limit=2)
    assert [one.key for one in (*first, *rest, *last)] == ["o0", "o1", "o2", "o3", "o4"]
    assert "Paris" not in last[0].document
    assert await store.scan(orders, after="o4", limit=2) == []
    again = await store.scan(orders)
    assert len(again) == 6
    assert "Paris" in again[-1].document


async def test_scan_goes_on_where_its_point_in_time_was_lost(store, orders, raw, prefix):
    await fill(store, orders, *(order(f"o{number}") for number in range(4)))
    first = await store.scan(orders, limit=2)
    points = [point for point, _ in store._scans._open.values()]
    assert len(points) == 1
    await raw.close_point_in_time(id=points[0])
    rest = await store.scan(orders, after=first[-1].key, limit=2)
    assert [one.key for one in rest] == ["o2", "o3"]


async def test_search_that_follows_another_layout_finds_by_its_fields(store, orders):
    found_by = Search((AnyOf("external_reference", ("3",)),))
    await store.activate(await build(store, 2))
    assert (await store.search(ORDERS, found_by)).documents == []
    await store.activate(await build(store, 3))
    await store.activate(await build(store, 4))
    four = Search((AnyOf("external_reference", ("4",)),))
    assert len((await store.search(ORDERS, four)).documents) == 5
