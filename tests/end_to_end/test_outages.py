"""The event store's server goes away under load and comes back; no process of ours restarts."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.end_to_end.shop import Shop, keyed, open_shop, problem, settled, until
from tests.end_to_end.system import System

AT_ONCE = 64
RECEIPTS = ("/api/stock/CUP/receipts", {"quantity": 1, "location": "main"})
RECEIVED_INTO = "stock-CUP"
LONGEST = 15.0
"""Seconds that a caller waits at most, whatever happens."""

# The embedded store has no server that could go away.
pytestmark = pytest.mark.parametrize("topology", ["eventstoredb"], indirect=True)


@dataclass
class Load:
    """64 callers, until told that it is enough.

    Half of them make orders, each a stream of its own; the others receive goods into one stock.
    """

    system: System
    shop: Shop
    orders: dict[str, str] = field(default_factory=dict)
    """Ids of those that were acknowledged, by key."""
    receipts: dict[str, int] = field(default_factory=dict)
    """Versions of the stock at which they were acknowledged, by key."""
    refused: set[str] = field(default_factory=set)
    """Keys of requests that were answered 503."""
    longest: float = 0.0
    answered: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    unavailable: asyncio.Event = field(default_factory=asyncio.Event)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Load:
        self._callers = [asyncio.create_task(self._call(number)) for number in range(AT_ONCE)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.enough.set()
        async with asyncio.timeout(2 * LONGEST):
            await asyncio.gather(*self._callers)

    async def some_more(self, number: int = 2 * AT_ONCE) -> None:
        """Return when so many more orders were acknowledged."""
        async with asyncio.timeout(60):
            for _ in range(number):
                await self.answered.acquire()

    async def _call(self, caller: int) -> None:
        orders = caller % 2 == 0
        path, body = ("/api/orders", self.shop.order(1)) if orders else RECEIPTS
        person = ("customer", self.shop.customers[0]) if orders else ("operator",)
        async with self.system.client(*person) as client:
            for number in itertools.count():
                if self.enough.is_set():
                    return
                await self._ask(client, path, body, f"{caller}-{number}")

    async def _ask(self, client: httpx.AsyncClient, path: str, body: Any, key: str) -> None:
        while True:
            started = time.monotonic()
            answer = await client.post(path, json=body, headers=keyed(key))
            self.longest = max(self.longest, time.monotonic() - started)
            if answer.is_success:
                answered = answer.json()
                kind = self.orders if path == "/api/orders" else self.receipts
                kind[key] = answered["id"] if kind is self.orders else answered["version"]
                self.answered.release()
                return
            assert problem(answer) == (503, "unavailable"), answer.text
            self.refused.add(key)
            self.unavailable.set()
            if self.enough.is_set():
                return
            await asyncio.sleep(float(answer.headers["retry-after"]))


async def test_server_when_killed_under_load_then_all_go_on_when_it_is_back(system: System):
    shop = await open_shop(system)
    async with Load(system, shop) as load:
        for _ in range(2):
            await load.some_more()
            load.unavailable.clear()
            system.events.kill()
            await asyncio.wait_for(load.unavailable.wait(), LONGEST)
            await until(lambda: readiness_is(system, 503))
            await asyncio.to_thread(system.events.start)
            await until(lambda: readiness_is(system, 200))
        await load.some_more()
    await check_after(load)


async def test_server_when_it_stands_still_under_load_then_all_go_on_when_it_does(system: System):
    shop = await open_shop(system)
    async with Load(system, shop) as load:
        await load.some_more()
        system.events.hold()
        try:
            await asyncio.wait_for(load.unavailable.wait(), LONGEST)
            await until(lambda: readiness_is(system, 503))
        finally:
            system.events.go_on()
        await until(lambda: readiness_is(system, 200))
        await load.some_more()
    await check_after(load)


async def readiness_is(system: System, status: int) -> bool:
    async with system.client() as client:
        answer = await client.get("/health/ready")
    return answer.status_code == status


async def check_after(load: Load) -> None:
    """All that was acknowledged is there once, and policies and projections have seen it."""
    system = load.system
    assert load.longest < LONGEST
    assert load.refused, "nobody noticed that the server was away"
    await settled(system)
    async with system.event_store() as store:
        page = await store.read_all(limit=1_000_000, categories=["order", "stock"])
    events = Counter(event.stream for event in page.events)
    orders = {stream for stream in events if stream.startswith("order-")}
    assert {events[stream] for stream in orders} == {1}
    kept = {f"order-{order}" for order in load.orders.values()}
    assert len(kept) == len(load.orders)
    assert kept <= orders
    # The first filled the shelf; each caller may have asked for one more and not heard of it.
    versions = set(load.receipts.values())
    assert len(versions) == len(load.receipts)
    assert versions <= set(range(1, events[RECEIVED_INTO]))
    assert events[RECEIVED_INTO] - 1 - len(versions) <= AT_ONCE // 2
    documents = await system.documents()
    shown = documents["order_details"]
    assert {f"order-{order}" for order in shown} == orders
    assert documents["stock_levels"]["TEA"][0]["reserved"] == len(orders)
    assert await system.clean_build() == documents
    assert system.json("parked", "list") == []
