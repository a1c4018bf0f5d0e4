"""Commands on one stream: turns within a process, retries between processes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

import write_side.kernel.repository as repository
from contracts.commands.inventory import ReceiveStock, ReserveStock
from contracts.errors import Refused, Unavailable, VersionMismatch
from event_store.errors import WrongExpectedVersion
from event_store.port import Appended, ExpectedVersion, NewEvent, WholeEventStore
from tests.support.commands import Counting, Passing, Shop, uid
from tests.support.stores import opened

STREAM = "stock-TEA"


def receive(quantity: int = 1) -> ReceiveStock:
    return ReceiveStock(sku="TEA", quantity=quantity, location="main")


def reserve(order: int, quantity: int = 1) -> ReserveStock:
    return ReserveStock(sku="TEA", order_id=uid(order), order_version=0, quantity=quantity)


async def test_64_reservations_at_once_all_succeed_and_meet_no_conflict(store: WholeEventStore):
    counting = Counting(store)
    shop = Shop(counting)
    await shop.handle(receive(64))
    answers = await asyncio.gather(*(shop.handle(reserve(order)) for order in range(64)))
    assert [answer.version for answer in answers] == list(range(1, 65))
    assert (counting.appends, counting.conflicts) == (65, 0)
    assert (await shop.stock.load("TEA")).reserved == 64


async def test_of_more_than_there_is_exactly_what_there_is_is_reserved(store: WholeEventStore):
    shop = Shop(store)
    await shop.handle(receive(20))
    answers = await asyncio.gather(
        *(shop.handle(reserve(order)) for order in range(32)), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refusals) == 12
    assert {refusal.code for refusal in refusals} == {"insufficient-stock"}
    assert (await shop.stock.load("TEA")).reserved == 20


async def test_turns_of_one_stream_do_not_hold_up_another(store: WholeEventStore):
    shop = Shop(store)
    async with shop.stock.turn("TEA"):
        waiting = asyncio.ensure_future(shop.handle(receive()))
        other = ReceiveStock(sku="CAKE", quantity=1, location="main")
        assert (await shop.handle(other)).version == 0
        assert not waiting.done()
    assert (await waiting).version == 0


async def test_a_cancelled_or_failed_command_gives_its_turn_away(store: WholeEventStore):
    shop = Shop(store)
    async with shop.stock.turn("TEA"):
        cancelled = asyncio.ensure_future(shop.handle(receive()))
        refused = asyncio.ensure_future(shop.handle(reserve(1, 5)))
        last = asyncio.ensure_future(shop.handle(receive()))
        await asyncio.sleep(0)
        cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    with pytest.raises(Refused):
        await refused
    assert (await last).version == 0


async def test_two_processes_racing_retry_and_all_succeed(address: str, store: WholeEventStore):
    async with opened(address) as other_store:
        counting = [Counting(store), Counting(other_store)]
        one, other = (Shop(each) for each in counting)
        await one.handle(receive(40))
        answers = await asyncio.gather(
            *(one.handle(reserve(order)) for order in range(20)),
            *(other.handle(reserve(order)) for order in range(20, 40)),
        )
    assert sorted(answer.version for answer in answers) == list(range(1, 41))
    item = await one.stock.load("TEA")
    assert (item.reserved, item.version) == (40, 40)
    assert counting[0].conflicts + counting[1].conflicts > 0


class Overtaken(Passing):
    """Lets another process be faster, a number of times."""

    def __init__(self, store: Any, other: Shop, times: int) -> None:
        super().__init__(store)
        self._other = other
        self._times = times
        self.appends = 0

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected: ExpectedVersion
    ) -> Appended:
        self.appends += 1
        if self._times:
            self._times -= 1
            await self._other.handle(receive())
        return await self._store.append(stream, events, expected=expected)


async def test_overtaken_it_reloads_and_decides_again(store: WholeEventStore):
    other = Shop(store)
    await other.handle(receive(3))
    overtaken = Overtaken(store, other, times=3)
    answer = await Shop(overtaken).handle(reserve(1, 3))
    assert (answer.version, overtaken.appends) == (4, 4)


async def test_what_is_decided_again_may_be_refused(store: WholeEventStore):
    other = Shop(store)
    await other.handle(receive(3))

    class TakesIt(Overtaken):
        async def append(self, stream: str, events: Any, *, expected: Any) -> Appended:
            if not self.appends:
                await self._other.handle(reserve(2, 3))
            self.appends += 1
            return await self._store.append(stream, events, expected=expected)

    shop = Shop(TakesIt(store, other, 0))
    with pytest.raises(Refused, match="0 are available"):
        await shop.handle(reserve(1, 3))
    assert (await other.stock.load("TEA")).reservations == {uid(2): 3}


async def test_if_match_is_never_retried(store: WholeEventStore):
    other = Shop(store)
    await other.handle(receive())
    overtaken = Overtaken(store, other, times=1)
    with pytest.raises(VersionMismatch, match="at version 1, not 0"):
        await Shop(overtaken).handle(receive(), version=0)
    assert overtaken.appends == 1
    assert await store.stream_version(STREAM) == 1


async def test_overtaken_until_the_deadline_it_is_unavailable(
    store: WholeEventStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(repository, "_DEADLINE_SECONDS", 0.1)

    class Always(Passing):
        async def append(self, stream: str, events: Any, *, expected: Any) -> Appended:
            raise WrongExpectedVersion(stream, expected, 7)

    with pytest.raises(Unavailable, match="Others keep changing stock-TEA"):
        await Shop(Always(store)).handle(receive())
    assert await store.stream_version(STREAM) == -1
