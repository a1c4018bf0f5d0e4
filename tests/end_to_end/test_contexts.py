"""Each context with an event store of its own: nothing that a user sees is another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.registry import CATEGORIES, CONTEXTS, category_of
from tests.end_to_end import test_killed as killed
from tests.end_to_end.shop import made, ok, open_shop, seen_by, settled, until
from tests.end_to_end.system import System, running

pytestmark = pytest.mark.parametrize("topology", ["sqlite", "services"], indirect=True)

BUYERS = 3


@pytest.fixture
def system(tmp_path: Path, topology: str) -> Iterator[System]:
    """A started system with a store for each context."""
    with running(tmp_path / "system", topology, by_context=True, **killed.LIMITS) as system:
        yield system


@pytest.mark.timeout(300)
async def test_killed_under_load_then_every_command_is_in_its_own_store_once(system: System):
    shop = await open_shop(system, customers=BUYERS)
    buyers = [killed.Buyer(one, shop, number) for number, one in enumerate(shop.customers)]
    newcomers: dict[str, str | None] = {}
    await killed.kill_under_load(system, buyers, newcomers, 0)
    await asyncio.to_thread(system.start)
    await killed.all_together(system, [buyer.ask_again for buyer in buyers], shop)
    await settled(system)
    await check_each_store(system)
    await killed.check_reservations(system)
    await killed.check_claims(system)
    await killed.check_newcomers(system, newcomers)
    await settled(system)
    assert await system.documents() == await system.clean_build()
    await check_across(system, shop.customers[0], shop.order(2))


async def check_each_store(system: System) -> None:
    """Each holds the events of its context, and no others."""
    for context in CONTEXTS:
        store = await system.events.open_one(context)
        try:
            page = await store.read_all(categories=list(CATEGORIES), limit=1_000_000)
        finally:
            await store.close()
        found = {CATEGORIES[category_of(event.stream)].context for event in page.events}
        assert found == {context}


async def check_across(system: System, customer: str, order: object) -> None:
    """What is written is read; what follows in another context's store is told of it."""
    async with system.client("customer", customer) as client:
        written = await client.post("/api/orders", json=order)
        seen = await client.get(written.headers["location"], headers=seen_by(written))
        assert (ok(seen)["id"], seen.headers["read-model"]) == (made(written)["id"], "fresh")
    await settled(system)
    order_stream = f"order-{made(written)['id']}"
    async with system.client("auditor") as auditor:
        entries = ok(await auditor.get(f"/api/audit/streams/{order_stream}"))["items"]
        path = f"/api/audit/events/{entries[0]['event_id']}/consequences"

        async def is_told() -> bool:
            """A search is near real time."""
            return "stock-TEA" in (await auditor.get(path)).text

        await until(is_told)
    told = await asyncio.to_thread(
        system.json, "audit", "correlation", entries[0]["correlation_id"]
    )
    assert {category_of(entry["stream"]) for entry in told} == {"order", "stock"}
