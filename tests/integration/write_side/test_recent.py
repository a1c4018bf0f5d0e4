"""Aggregates kept in memory never differ from what replay gives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.commands.inventory import ReceiveStock, ReleaseStock, ReserveStock
from contracts.commands.sales import ChangePrice
from contracts.errors import DomainError, Refused, Unavailable
from event_store.errors import EventStoreUnavailable
from event_store.port import Appended, ExpectedVersion, NewEvent, WholeEventStore
from tests.support.commands import Passing, Shop, Unsure, money, uid

RECEIVE = ReceiveStock(sku="TEA", quantity=10, location="main")


def reserve(order: int, quantity: int, version: int = 0) -> ReserveStock:
    return ReserveStock(sku="TEA", order_id=uid(order), order_version=version, quantity=quantity)


async def test_commands_of_two_processes_in_turn_see_each_others_events(store: WholeEventStore):
    one, other = Shop(store), Shop(store)
    for number in range(20):
        shop = one if number % 2 else other
        await shop.handle(RECEIVE)
        answer = await shop.handle(reserve(number, 10))
        assert answer.version == 2 * number + 1
    item = await Shop(store).stock.load("TEA")
    assert (item.total, item.reserved) == (200, 200)


async def test_after_any_refusals_repeats_and_no_ops_memory_equals_replay(
    store: WholeEventStore,
):
    choose = random.Random(7)
    shops = [Shop(store), Shop(store, snapshot_every=5)]
    commands: list[Any] = [RECEIVE, reserve(1, 3), reserve(1, 4, 1), reserve(2, 999)]
    commands += [ReleaseStock(sku="TEA", order_id=uid(1), order_version=2), reserve(3, 0)]
    for _ in range(120):
        shop = choose.choice(shops)
        try:
            await shop.handle(choose.choice(commands), key=choose.choice([None, "a", "b"]))
        except DomainError:
            continue
    replayed = await Shop(store).stock.load("TEA")
    for shop in shops:
        answer = await shop.handle(RECEIVE)
        assert answer.version > replayed.version
        replayed = await Shop(store).stock.load("TEA")
        seen = await shop.stock.look_up("TEA")
        assert vars(seen) == vars(replayed)


async def test_an_append_that_failed_leaves_nothing_in_memory(store: WholeEventStore):
    failing = Unsure(store, lambda: EventStoreUnavailable("away"))
    shop = Shop(failing)
    failing.plans.clear()
    await shop.handle(RECEIVE)
    failing.plans.append(lambda: EventStoreUnavailable("away"))
    with pytest.raises(Unavailable):
        await shop.handle(reserve(1, 10))
    answer = await shop.handle(reserve(2, 10))
    assert answer.version == 1
    with pytest.raises(Refused, match="0 are available"):
        await shop.handle(reserve(3, 1))


class Slow(Passing):
    """Appends to products wait until they may go on."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.begun, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.may_go_on.set()

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        self.begun.set()
        await self.may_go_on.wait()
        return await self._store.append(stream, events, expected=expected)


async def test_what_is_not_appended_yet_is_not_seen_by_those_who_look_it_up(
    store: WholeEventStore,
):
    slow = Slow(store)
    shop = Shop(slow)
    tea = await shop.product("12.50")
    assert (await shop.products.look_up(tea)).price == money("12.50")
    slow.may_go_on.clear()
    slow.begun.clear()
    changing = asyncio.create_task(shop.handle(ChangePrice(product_id=tea, price=money("99.00"))))
    await slow.begun.wait()
    assert (await shop.products.look_up(tea)).price == money("12.50")
    slow.may_go_on.set()
    await changing
    assert (await shop.products.look_up(tea)).price == money("99.00")


async def test_a_cancelled_command_leaves_nothing_in_memory(store: WholeEventStore):
    slow = Slow(store)
    shop = Shop(slow)
    await shop.handle(RECEIVE)
    slow.may_go_on.clear()
    slow.begun.clear()
    reserving = asyncio.create_task(shop.handle(reserve(1, 10)))
    await slow.begun.wait()
    reserving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reserving
    slow.may_go_on.set()
    assert (await shop.handle(reserve(2, 10))).version == 1
