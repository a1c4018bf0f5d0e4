"""Subscriptions near the head: they share what is read."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from event_store.port import StreamState
from event_store.sqlite import recent
from tests.contract.event_store.support import some

ANY = StreamState.ANY
TIMEOUT = 5


@pytest.fixture
def reads(store, monkeypatch):
    """Notes how often the file was read for a subscription."""
    made: list[object] = []
    read_all = store.read_all

    async def counting(**options):
        made.append(options)
        return await read_all(**options)

    monkeypatch.setattr(store, "read_all", counting)
    return made


async def take(subscription, count: int) -> list[tuple[str, int]]:
    """The next so many events."""
    events: list[tuple[str, int]] = []
    async with asyncio.timeout(TIMEOUT):
        while len(events) < count:
            delivery = await anext(subscription)
            events += [(event.stream, event.version) for event in delivery.events]
    return events


async def test_many_at_the_head_when_events_come_then_they_are_read_once(store, reads):
    orders = [store.subscribe(categories=["order"]) for _ in range(5)]
    stock = store.subscribe(categories=["stock"], batch=1)
    everything = store.subscribe()
    for subscription in (*orders, stock, everything):
        assert (await anext(subscription)).caught_up
    reads.clear()
    coming = [asyncio.create_task(take(one, 2)) for one in orders]
    coming += [asyncio.create_task(take(stock, 2)), asyncio.create_task(take(everything, 4))]
    await asyncio.sleep(0)
    await asyncio.gather(
        *(store.append(name, some(2), expected=ANY) for name in ("order-1", "stock-1"))
    )
    *of_orders, of_stock, of_all = await asyncio.gather(*coming)
    assert of_orders == [[("order-1", 0), ("order-1", 1)]] * 5
    assert of_stock == [("stock-1", 0), ("stock-1", 1)]
    assert of_all == [(name, n) for name in ("order-1", "stock-1") for n in range(2)]
    assert len(reads) == 1
    for subscription in (*orders, stock, everything):
        await subscription.aclose()


async def test_slow_one_when_it_lags_behind_what_is_kept_then_it_misses_nothing(store, monkeypatch):
    monkeypatch.setattr(recent, "KEPT", 3)
    async with aclosing(store.subscribe()) as quick, aclosing(store.subscribe(batch=2)) as slow:
        assert (await anext(quick)).caught_up
        assert (await anext(slow)).caught_up
        for number in range(12):
            await store.append(f"order-{number}", some(1), expected=ANY)
            assert await take(quick, 1) == [(f"order-{number}", 0)]
        assert await take(slow, 12) == [(f"order-{number}", 0) for number in range(12)]
        await store.append("order-last", some(1), expected=ANY)
        assert await take(quick, 1) == await take(slow, 1) == [("order-last", 0)]


async def test_late_one_when_nobody_followed_meanwhile_then_both_go_on(store):
    early = store.subscribe()
    assert (await anext(early)).caught_up
    await store.append("order-1", some(3), expected=ANY)
    async with aclosing(early), aclosing(store.subscribe()) as late:
        assert len(await take(late, 3)) == 3
        following = asyncio.create_task(take(late, 1))
        await asyncio.sleep(0)
        await store.append("order-2", some(1), expected=ANY)
        assert await following == [("order-2", 0)]
        assert await take(early, 4) == [*(("order-1", n) for n in range(3)), ("order-2", 0)]
