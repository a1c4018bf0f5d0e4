"""A backup of a live system, restored elsewhere, is a system of its own with the same past."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.shop import (
    Shop,
    keyed,
    made,
    ok,
    open_shop,
    problem,
    register,
    seen_by,
    settled,
    sign_in,
)
from tests.end_to_end.system import System

BUYERS = 4

# A backup is one of the embedded store's file; EventStoreDB is backed up with its own means.
pytestmark = pytest.mark.parametrize("topology", ["sqlite"], indirect=True)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "other")
    yield system
    system.close()


async def test_backup_under_load_when_restored_elsewhere_then_the_same_past(
    system: System, other: System
):
    shop = await open_shop(system)
    orders = await backed_up_under_load(system, shop, other)
    other.told("restore", other.folder / "backup")
    other.start()
    await settled(other)
    await check_events(system, other, orders)
    assert await other.documents() == await other.clean_build()
    await check_old_tokens(system, other, shop)
    await check_people_and_keys(system, other, shop, orders)
    await check_refused(other, "Another orderlog serves from")
    other.stop()
    await check_refused(other, "exists already")
    assert other.errors() == []


async def check_refused(system: System, why: str) -> None:
    """A store that is there is never replaced."""
    done = await asyncio.to_thread(system.orderlog, "restore", system.folder / "backup")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert why in done.stderr


async def backed_up_under_load(system: System, shop: Shop, other: System) -> dict[str, str]:
    """Back up while orders are made; ids by key of those that were answered before it began."""
    answered: dict[str, str] = {}
    some, enough = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as load:
        for number in range(BUYERS):
            load.create_task(buy(system, shop, f"buyer-{number}", answered, some, enough))
        for _ in range(40):
            await some.acquire()
        before = dict(answered)
        await asyncio.to_thread(system.told, "backup", other.folder / "backup")
        enough.set()
    return before


async def buy(
    system: System,
    shop: Shop,
    name: str,
    answered: dict[str, str],
    some: asyncio.Semaphore,
    enough: asyncio.Event,
) -> None:
    async with system.client("customer", shop.customers[0]) as client:
        number = 0
        while not enough.is_set():
            key = f"{name}-{number}"
            answer = await client.post("/api/orders", json=shop.order(1), headers=keyed(key))
            answered[key] = made(answer)["id"]
            some.release()
            number += 1


async def check_events(system: System, other: System, orders: dict[str, str]) -> None:
    """All that was acknowledged before, and of what came during it a beginning without gaps."""
    found = []
    for one in (system, other):
        async with one.event_store() as store:
            page = await store.read_all(limit=1_000_000, categories=["order", "product", "user"])
        found.append([(event.position, event.id, event.data) for event in page.events])
        streams = {event.stream for event in page.events}
    everything, restored = found
    assert restored == everything[: len(restored)]
    assert len(restored) < len(everything), "orders were made while it was backed up"
    assert streams >= {f"order-{order}" for order in orders.values()}


async def check_old_tokens(system: System, other: System, shop: Shop) -> None:
    """A token says nothing about another store, even one that has the same events."""
    customer = shop.customers[0]
    async with system.client("customer", customer) as before:
        answer = await before.post("/api/orders", json=shop.order(1))
        path = {"customer_id": customer}
        seen = await before.get("/api/orders", params=path, headers=seen_by(answer))
        assert seen.headers["read-model"] == "fresh"
    async with other.client("customer", customer) as after:
        seen = await after.get("/api/orders", params=path, headers=seen_by(answer))
        assert ok(seen)["items"]
        assert seen.headers["read-model"].startswith("stale")
        assert (await after.get("/api/orders")).headers["read-model"] == "fresh"
        again = await after.post("/api/orders", json=shop.order(1))
        seen = await after.get(again.headers["location"], headers=seen_by(again))
        assert seen.headers["read-model"] == "fresh"


async def check_people_and_keys(
    system: System, other: System, shop: Shop, orders: dict[str, str]
) -> None:
    """Who could sign in still can, addresses stay taken, and repeats are known."""
    async with other.client() as visitor:
        made(await sign_in(visitor, "customer-0@example.com"))
        taken = await register(visitor, "Customer-0@EXAMPLE.com")
        assert problem(taken) == (409, "email-taken")
    async with other.client("customer", shop.customers[0]) as client:
        for key, order in orders.items():
            repeat = await client.post("/api/orders", json=shop.order(1), headers=keyed(key))
            assert made(repeat)["id"] == order
        another = await client.post("/api/orders", json=shop.order(2), headers=keyed(key))
        assert problem(another) == (422, "idempotency-key-reused")


async def test_events_when_lost_and_restored_beside_old_read_models_then_those_are_made_anew(
    system: System,
):
    shop = await open_shop(system)
    await asyncio.to_thread(system.told, "backup", system.folder / "backup")
    async with system.client("customer", shop.customers[0]) as client:
        lost = await client.post("/api/orders", json=shop.order(1))
        ok(await client.get(lost.headers["location"], headers=seen_by(lost)))
    system.kill()
    system.lose_events()
    await asyncio.to_thread(system.told, "restore", system.folder / "backup")
    system.start()
    await settled(system)
    async with system.client("customer", shop.customers[0]) as client:
        assert problem(await client.get(lost.headers["location"])) == (404, "order-not-found")
        assert ok(await client.get("/api/orders"))["items"] == []
    assert await system.documents() == await system.clean_build()
