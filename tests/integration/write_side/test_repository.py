from __future__ import annotations

from datetime import UTC
from uuid import uuid4

import pytest

from contracts.commands.inventory import AdjustStock, ReceiveStock
from contracts.commands.sales import AddItem, CancelOrder, ConfirmOrder, RemoveItem
from contracts.errors import Forbidden, NotFound, Refused, Unavailable, VersionMismatch
from event_store.port import NO_VERSION, NewEvent, StreamState, WholeEventStore
from tests.support.commands import (
    ADA,
    EVE,
    NOW,
    OPERATOR,
    Shop,
    asked,
    create_order,
    minutes,
    money,
    uid,
)

RECEIVE = ReceiveStock(sku="TEA", quantity=10, location="main")


async def test_an_aggregate_is_loaded_as_of_now_and_of_any_version(shop: Shop):
    for quantity in (1, 2, 3):
        await shop.handle(RECEIVE.model_copy(update={"quantity": quantity}))
    assert (await shop.stock.load("TEA")).total == 6
    totals = [(await shop.stock.load("TEA", version=version)).total for version in range(-1, 4)]
    assert totals == [0, 1, 3, 6, 6]
    assert (await shop.stock.load("TEA", version=1)).version == 1


async def test_what_never_happened_is_blank_or_not_found(shop: Shop):
    assert not (await shop.stock.load("TEA")).exists
    with pytest.raises(NotFound) as raised:
        await shop.stock.existing("TEA")
    assert raised.value.code == "stock-not-found"


async def test_an_answer_says_where_its_event_lies(shop: Shop, store: WholeEventStore):
    answer = await shop.handle(RECEIVE)
    (recorded,) = await store.read_stream("stock-TEA")
    assert (answer.id, answer.stream, answer.version) == ("TEA", "stock-TEA", 0)
    assert answer.position == recorded.position


async def test_doing_nothing_answers_as_of_what_was_there(shop: Shop, store: WholeEventStore):
    await shop.handle(RECEIVE)
    same = AdjustStock(sku="TEA", location="main", counted=10, reason="counted")
    answer = await shop.handle(same)
    (recorded,) = await store.read_stream("stock-TEA")
    assert (answer.version, answer.position) == (0, recorded.position)


async def test_metadata_say_who_when_why_and_by_which_command(shop: Shop):
    context = asked(OPERATOR, key="k", at=minutes(3))
    await shop.bus.handle(RECEIVE, context)
    ((event, metadata),) = await shop.events("stock-TEA")
    assert event.timestamp == metadata.occurred_at == minutes(3)
    assert metadata.occurred_at.tzinfo == UTC
    assert (metadata.actor, metadata.command, metadata.source) == (
        OPERATOR,
        "ReceiveStock",
        "test",
    )
    assert metadata.correlation_id == context.correlation_id
    assert metadata.causation_id == metadata.command_id == context.command_id
    assert metadata.schema_version == 1
    assert metadata.idempotency is not None
    assert metadata.idempotency.key == context.key()
    assert metadata.idempotency.key != "k"


async def test_business_time_never_goes_back_across_commands(shop: Shop):
    await shop.handle(RECEIVE, at=minutes(5))
    await shop.handle(RECEIVE, at=NOW)
    assert [e.timestamp for e, _ in await shop.events("stock-TEA")] == [minutes(5), minutes(5)]


class TestIfMatch:
    async def test_the_right_version_passes(self, shop: Shop):
        await shop.handle(RECEIVE)
        assert (await shop.handle(RECEIVE, version=0)).version == 1

    @pytest.mark.parametrize("version", [-1, 0, 2, 10**9])
    async def test_another_version_is_a_mismatch_and_changes_nothing(
        self, shop: Shop, version: int
    ):
        await shop.handle(RECEIVE)
        await shop.handle(RECEIVE)
        with pytest.raises(VersionMismatch, match=f"at version 1, not {version}"):
            await shop.handle(RECEIVE, version=version)
        assert await shop.types("stock-TEA") == ["StockReceived"] * 2

    async def test_a_mismatch_comes_before_doing_nothing(self, shop: Shop):
        await shop.handle(RECEIVE)
        same = AdjustStock(sku="TEA", location="main", counted=10, reason="counted")
        with pytest.raises(VersionMismatch):
            await shop.handle(same, version=4)

    async def test_a_mismatch_comes_before_a_refusal(self, shop: Shop):
        await shop.handle(create_order(1))
        with pytest.raises(VersionMismatch):
            await shop.handle(ConfirmOrder(order_id=uid(1)), ADA, version=7)
        with pytest.raises(Refused):
            await shop.handle(ConfirmOrder(order_id=uid(1)), ADA, version=0)

    @pytest.mark.parametrize(
        "command",
        [
            ConfirmOrder(order_id=uid(1)),
            CancelOrder(order_id=uid(1), reason="no"),
            RemoveItem(order_id=uid(1), item_id=uid(2)),
            AddItem(order_id=uid(1), product_id=uid(3), quantity=1),
        ],
        ids=lambda command: command.command_name(),
    )
    async def test_a_stranger_learns_nothing_of_the_version(
        self, shop: Shop, command: ConfirmOrder
    ):
        await shop.handle(create_order(1), ADA)
        with pytest.raises(NotFound) as raised:
            await shop.handle(command, EVE, version=7)
        assert raised.value.code == "order-not-found"

    async def test_what_is_not_there_is_not_found_at_any_version(self, shop: Shop):
        with pytest.raises(NotFound):
            await shop.handle(ConfirmOrder(order_id=uid(1)), ADA, version=0)

    async def test_who_may_not_do_it_is_told_just_that(self, shop: Shop):
        await shop.handle(create_order(1), ADA)
        with pytest.raises(Forbidden):
            await shop.handle(create_order(1), EVE, version=7)


class TestForeignEvents:
    async def append(self, store: WholeEventStore, type_: str, version: int) -> None:
        first = (await store.read_stream("stock-TEA"))[0]
        metadata = first.metadata.replace(
            b'"schemaVersion":1', f'"schemaVersion":{version}'.encode()
        )
        event = NewEvent(uuid4(), type_, b'{"location":"main","quantity":5}', metadata)
        await store.append("stock-TEA", [event], expected=StreamState.ANY)

    async def test_a_type_nobody_knows_is_passed_over_and_its_version_counts(
        self, shop: Shop, store: WholeEventStore
    ):
        await shop.handle(RECEIVE)
        await self.append(store, "StockBlessed", 1)
        assert (await shop.stock.load("TEA")).version == 1
        answer = await shop.handle(RECEIVE, version=1)
        assert answer.version == 2
        assert (await shop.stock.load("TEA")).total == 20

    async def test_a_newer_schema_version_is_never_guessed(
        self, shop: Shop, store: WholeEventStore
    ):
        await shop.handle(RECEIVE)
        await self.append(store, "StockReceived", 2)
        with pytest.raises(Unavailable, match="newer than known"):
            await shop.handle(RECEIVE)


async def test_one_command_with_several_events_is_all_or_nothing(
    shop: Shop, store: WholeEventStore
):
    item = await shop.stock.load("TEA")
    item.receive(5, "main", at=NOW)
    item.receive(6, "annex", at=NOW)
    appended = await shop.stock.save(item, "Test", asked())
    assert appended.version == 1
    assert await store.stream_version("stock-TEA") == 1
    assert await store.stream_version("stock-NONE") == NO_VERSION


async def test_prices_of_an_order_stay_when_the_product_changes(shop: Shop):
    tea = await shop.product("12.50")
    await shop.handle(create_order(1, tea), ADA)
    assert (await shop.orders.load(uid(1))).total == money("25.00")
