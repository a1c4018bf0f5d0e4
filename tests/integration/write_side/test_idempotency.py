"""The same key and request gets the original answer, and nothing is applied twice."""

from __future__ import annotations

import asyncio

import pytest

from contracts.commands.base import Command
from contracts.commands.inventory import AdjustStock, ReceiveStock, ReserveStock
from contracts.commands.sales import AddItem, ConfirmOrder
from contracts.errors import IdempotencyKeyReused, Refused, VersionMismatch
from event_store.port import WholeEventStore
from tests.support.commands import ADA, OPERATOR, SERVICE, Shop, asked, create_order, uid
from tests.support.stores import opened
from write_side.kernel.context import Answer

RECEIVE = ReceiveStock(sku="TEA", quantity=5, location="main")
STREAM = "stock-TEA"


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same to a caller."""
    return one == other


async def total(shop: Shop) -> int:
    return (await shop.stock.load("TEA")).total


async def test_the_same_request_twice_has_one_answer(shop: Shop):
    first = await shop.handle(RECEIVE, key="k")
    assert same(await shop.handle(RECEIVE, key="k"), first)
    assert await total(shop) == 5


async def test_without_a_key_the_same_request_is_another(shop: Shop):
    await shop.handle(RECEIVE)
    assert (await shop.handle(RECEIVE)).version == 1
    assert await total(shop) == 10


async def test_ten_at_once_have_one_answer(shop: Shop):
    answers = await asyncio.gather(*(shop.handle(RECEIVE, key="k") for _ in range(10)))
    assert all(same(answer, answers[0]) for answer in answers)
    assert await shop.types(STREAM) == ["StockReceived"]


async def test_ten_at_once_in_two_processes_have_one_answer(address: str, store: WholeEventStore):
    async with opened(address) as other_store:
        shops = Shop(store), Shop(other_store)
        answers = await asyncio.gather(
            *(shops[number % 2].handle(RECEIVE, key="k") for number in range(10))
        )
    assert all(same(answer, answers[0]) for answer in answers)
    assert await shops[0].types(STREAM) == ["StockReceived"]


async def test_again_after_later_events_it_is_still_the_original_answer(shop: Shop):
    await shop.handle(RECEIVE)
    first = await shop.handle(RECEIVE, key="k")
    for _ in range(5):
        await shop.handle(RECEIVE)
    again = await shop.handle(RECEIVE, key="k")
    assert again.version == 1
    assert same(again, first)
    assert await total(shop) == 35


@pytest.mark.parametrize("before", range(7))
async def test_again_after_a_snapshot(store: WholeEventStore, before: int):
    shop = Shop(store, snapshot_every=3)
    for _ in range(before):
        await shop.handle(RECEIVE)
    first = await shop.handle(RECEIVE, key="k")
    for _ in range(4):
        await shop.handle(RECEIVE)
    assert await store.load_snapshot(STREAM) is not None
    restarted = Shop(store, snapshot_every=3)
    assert same(await restarted.handle(RECEIVE, key="k"), first)
    assert await total(shop) == 5 * (before + 5)


async def test_ids_of_what_was_made_are_answered_again(store: WholeEventStore):
    shop = Shop(store, snapshot_every=2)
    tea = await shop.product()
    await shop.handle(create_order(1), ADA)
    add = AddItem(order_id=uid(1), product_id=tea, quantity=1)
    first = await shop.handle(add, ADA, key="k")
    await shop.handle(ConfirmOrder(order_id=uid(1)), ADA)
    again = await Shop(store, snapshot_every=2).handle(add, ADA, key="k")
    assert first.ids["item_id"] in (await shop.orders.load(uid(1))).items
    assert same(again, first)
    assert await shop.types(first.stream) == ["OrderCreated", "ItemAdded", "OrderConfirmed"]


async def test_a_created_aggregate_has_an_id_of_caller_collection_and_key(shop: Shop):
    async def create() -> Answer:
        context = asked(ADA, key="k")
        command = create_order(1).model_copy(update={"order_id": context.new_id("orders")})
        return await shop.bus.handle(command, context)

    first, again = await create(), await create()
    assert same(first, again)
    assert await shop.types(first.stream) == ["OrderCreated"]


@pytest.mark.parametrize(
    "other",
    [
        ReceiveStock(sku="TEA", quantity=6, location="main"),
        ReceiveStock(sku="TEA", quantity=5, location="annex"),
        AdjustStock(sku="TEA", location="main", counted=5, reason="counted"),
    ],
)
async def test_the_same_key_with_another_request_is_refused(shop: Shop, other: Command):
    await shop.handle(RECEIVE, key="k")
    with pytest.raises(IdempotencyKeyReused):
        await shop.handle(other, key="k")
    assert await total(shop) == 5


async def test_another_fingerprint_key_makes_another_fingerprint(shop: Shop):
    await shop.handle(RECEIVE, key="k")
    ((_, metadata),) = await shop.events(STREAM)
    assert metadata.idempotency is not None
    assert len(metadata.idempotency.fingerprint) == 32
    shop.stock._key = b"another key"
    with pytest.raises(IdempotencyKeyReused):
        await shop.handle(RECEIVE, key="k")


async def test_another_caller_with_the_same_key_is_independent(shop: Shop):
    await shop.handle(RECEIVE, OPERATOR, key="k")
    assert (await shop.handle(RECEIVE, SERVICE, key="k")).version == 1
    other = ReceiveStock(sku="TEA", quantity=1, location="main")
    assert (await shop.handle(other, ADA, key="k")).version == 2


async def test_another_target_with_the_same_key_is_independent(shop: Shop):
    await shop.handle(RECEIVE, key="k")
    cake = ReceiveStock(sku="CAKE", quantity=1, location="main")
    assert (await shop.handle(cake, key="k")).version == 0


async def test_the_key_is_checked_before_if_match(shop: Shop):
    await shop.handle(RECEIVE)
    first = await shop.handle(RECEIVE, key="k", version=0)
    await shop.handle(RECEIVE)
    assert same(await shop.handle(RECEIVE, key="k", version=0), first)
    with pytest.raises(VersionMismatch):
        await shop.handle(RECEIVE, key="other", version=0)


async def test_a_mismatch_left_nothing_and_is_judged_anew(shop: Shop):
    await shop.handle(RECEIVE)
    with pytest.raises(VersionMismatch):
        await shop.handle(RECEIVE, key="k", version=5)
    assert (await shop.handle(RECEIVE, key="k", version=0)).version == 1


async def test_a_refusal_left_nothing_and_is_judged_anew(shop: Shop):
    reserve = ReserveStock(sku="TEA", order_id=uid(1), order_version=0, quantity=5)
    for _ in range(2):
        with pytest.raises(Refused):
            await shop.handle(reserve, key="k")
    await shop.handle(RECEIVE)
    assert (await shop.handle(reserve, key="k")).version == 1


async def test_nothing_to_do_left_nothing_and_is_judged_anew(shop: Shop):
    await shop.handle(RECEIVE)
    count = AdjustStock(sku="TEA", location="main", counted=5, reason="counted")
    assert (await shop.handle(count, key="k")).version == 0
    await shop.handle(RECEIVE)
    assert (await shop.handle(count, key="k")).version == 2
    other = AdjustStock(sku="TEA", location="main", counted=4, reason="counted")
    with pytest.raises(IdempotencyKeyReused):
        await shop.handle(other, key="k")


@pytest.mark.parametrize("snapshot_every", [10, 1000])
async def test_the_65th_key_makes_it_forget_the_first(store: WholeEventStore, snapshot_every: int):
    shop = Shop(store, snapshot_every=snapshot_every)
    answers = [await shop.handle(RECEIVE, key=f"k{number}") for number in range(65)]
    restarted = Shop(store, snapshot_every=snapshot_every)
    for number in range(1, 65):
        assert same(await restarted.handle(RECEIVE, key=f"k{number}"), answers[number])
    assert await store.stream_version(STREAM) == 64
    assert (await restarted.handle(RECEIVE, key="k0")).version == 65


async def test_a_forgotten_key_can_not_put_a_line_into_an_order_twice(shop: Shop):
    tea = await shop.product()
    await shop.handle(create_order(1), ADA)
    add = AddItem(order_id=uid(1), product_id=tea, quantity=1)
    first = await shop.handle(add, ADA, key="first")
    for number in range(64):
        await shop.handle(add, ADA, key=f"k{number}")
    again = await shop.handle(add, ADA, key="first")
    assert again.ids == first.ids
    order = await shop.orders.load(uid(1))
    assert len(order.items) == 65
    assert order.version == 65
