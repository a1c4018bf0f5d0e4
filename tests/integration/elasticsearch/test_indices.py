"""What an operator sees on the server, and what happens when somebody deletes some of it."""

from __future__ import annotations

import asyncio

import pytest

from contracts.documents import DOCUMENT_TYPES, ORDER_DETAILS
from read_side.port import NoActiveGeneration, Search, UnknownGeneration, WriteBatch
from tests.contract.read_store.support import ORDERS, fill, found, new, order


async def indices(raw, prefix):
    return sorted(await raw.indices.get(index=f"{prefix}*", features=["aliases"]))


async def test_generation_has_an_index_with_strict_types_behind_an_alias(
    raw, prefix, store, orders
):
    answer = await raw.indices.get(index=f"{prefix}-order_details")
    ((index, about),) = answer.items()
    assert index == f"{prefix}-order_details-1"
    mappings = about["mappings"]
    fields = mappings["properties"]
    assert mappings["dynamic"] == "strict"
    assert fields["status"] == {"type": "keyword"}
    assert fields["total_amount"]["properties"]["minor"] == {"type": "long"}
    assert fields["created_at"]["type"] == "date"
    assert (fields["items"]["type"], fields["items"]["dynamic"]) == ("nested", "strict")
    assert mappings["_meta"]["fingerprint"] == "first"


async def test_document_lies_under_its_key_with_minor_units_beside_the_exact_string(
    raw, prefix, store, orders
):
    await store.write(orders, WriteBatch([new(order("o1", total=1250))]))
    hit = await raw.get(index=f"{prefix}-order_details", id="o1")
    assert hit["_source"]["total_amount"] == {
        "amount": "12.50",
        "currency": "EUR",
        "minor": 1250,
    }


@pytest.mark.parametrize("kind", DOCUMENT_TYPES.values(), ids=lambda kind: kind.name)
async def test_every_type_has_a_template_that_makes_no_index_by_accident(raw, prefix, store, kind):
    generation = await store.create_generation(kind, "print")
    await store.drop(generation)
    with pytest.raises(UnknownGeneration):
        await store.write(generation, WriteBatch([new({"id": "x"})]))
    assert await indices(raw, prefix) == [f"{prefix}.control"]


async def test_index_that_was_deleted_by_hand_is_no_generation_any_more(raw, prefix, store, orders):
    await fill(store, orders, order("o1"))
    await raw.indices.delete(index=f"{prefix}-order_details-1")
    for ask in (store.get(ORDERS, "o1"), store.search(ORDERS, Search())):
        with pytest.raises(NoActiveGeneration):
            await ask
    with pytest.raises(UnknownGeneration):
        await store.write(orders, WriteBatch([new(order("o2"))]))
    assert await store.generations(ORDERS) == []
    again = await store.create_generation(ORDER_DETAILS, "again")
    assert again.number == 2
    await store.write(again, WriteBatch([new(order("o3"))]))
    await store.activate(again)
    assert await found(store) == ["o3"]


async def test_without_the_control_index_numbers_of_what_exists_are_not_used_again(
    raw, prefix, store, orders
):
    await raw.indices.delete(index=f"{prefix}.control")
    assert not await store.is_paused(ORDERS)
    assert (await store.create_generation(ORDER_DETAILS, "second")).number == 2


async def test_what_a_killed_drop_left_behind_is_not_listed_and_goes_with_the_next_creation(
    raw, prefix, store
):
    left = await store.create_generation(ORDER_DETAILS, "left")
    index, alias = f"{prefix}-order_details-1", f"{prefix}-order_details.building"
    await raw.indices.delete_alias(index=index, name=alias)
    assert await store.generations(ORDERS) == []
    with pytest.raises(UnknownGeneration):
        await store.activate(left)
    await store.create_generation(ORDER_DETAILS, "next")
    assert index not in await indices(raw, prefix)


async def test_many_that_begin_at_once_get_along(opened, raw, prefix):
    stores = [await opened() for _ in range(4)]
    made = await asyncio.gather(
        *(one.create_generation(kind, "p") for one in stores for kind in DOCUMENT_TYPES.values())
    )
    numbers = sorted((one.projection, one.number) for one in made)
    assert numbers == sorted((name, at) for name in DOCUMENT_TYPES for at in range(1, 5))


async def test_of_two_that_switch_at_once_one_comes_last_and_alone_is_active(opened):
    stores = [await opened() for _ in range(3)]
    made = [await stores[0].create_generation(ORDER_DETAILS, str(number)) for number in range(3)]
    for _ in range(5):
        await asyncio.gather(*(one.activate(it) for one, it in zip(stores, made, strict=True)))
        states = [one.state for one in await stores[0].generations(ORDERS)]
        assert sorted(states) == ["active", "retired", "retired"]
