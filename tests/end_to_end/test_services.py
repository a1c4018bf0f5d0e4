"""Processes of their own: each can be killed, and the others and the data are none the worse."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_store.port import RecordedEvent
from projections.catalogue import PROJECTORS
from tests.end_to_end import test_killed as killed
from tests.end_to_end.services import PROCESSES
from tests.end_to_end.shop import Shop, made, ok, open_shop, seen_by, settled, until
from tests.end_to_end.system import System, running
from tests.end_to_end.topics import published

pytestmark = pytest.mark.parametrize("topology", ["services"], indirect=True)

PUBLISHED = ("order", "product", "stock", "user")


@pytest.mark.timeout(400)
async def test_each_killed_in_turn_under_load_then_every_command_is_accounted_for(
    tmp_path: Path, topology: str
):
    with running(tmp_path / "system", topology, **killed.LIMITS) as system:
        shop = await open_shop(system, customers=killed.BUYERS)
        buyers = [killed.Buyer(one, shop, number) for number, one in enumerate(shop.customers)]
        for name in random.Random(6).sample(PROCESSES, len(PROCESSES)):
            await kill_one_under_load(system, buyers, name)
        await killed.all_together(system, [buyer.ask_again for buyer in buyers], shop)
        await settled(system)
        await killed.check_events(system, buyers)
        await killed.check_reservations(system)
        await killed.check_claims(system)
        await settled(system)
        assert await system.documents() == await system.clean_build()
        assert await in_topics(system) == by_stream(await killed.all_events(system, *PUBLISHED))
        assert system.json("parked", "list") == []


async def kill_one_under_load(system: System, buyers: list[killed.Buyer], name: str) -> None:
    """Kill it, let the others work for a while, start it again; commands go on if they can."""
    acknowledged = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as load:
        tasks = [
            load.create_task(killed.connected(system, buyer, acknowledged)) for buyer in buyers
        ]
        for _ in range(30):
            await acknowledged.acquire()
        system.kill_only(name)
        if name != "command-api":
            for _ in range(20):
                await acknowledged.acquire()
            for task in tasks:
                task.cancel()
    await asyncio.to_thread(system.start_only, name)


async def in_topics(system: System) -> dict[str, list[tuple[int, str]]]:
    """By stream: version and id of each event, as a consumer of committed records sees them."""
    found = await published(system)
    return {
        stream: [(one["version"], one["id"]) for one in values] for stream, values in found.items()
    }


def by_stream(events: Sequence[RecordedEvent]) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for event in events:
        found.setdefault(event.stream, []).append((event.version, str(event.id)))
    return found


async def test_queries_go_on_while_all_else_is_down_and_say_how_stale_they_are(system: System):
    shop = await open_shop(system)
    async with system.client("customer", shop.customers[0]) as client:
        shown = await client.post("/api/orders", json=shop.order(1))
        assert (await client.get(shown.headers["location"], headers=seen_by(shown))).is_success
        for name in ("relay", "projector", "process-manager"):
            system.kill_only(name)
        missing = await client.post("/api/orders", json=shop.order(2))
        system.kill_only("command-api")
        answer = await client.get(shown.headers["location"])
        assert ok(answer)["id"] == made(shown)["id"]
        await until(lambda: says_stale(client, shown.headers["location"]))
        waited = await client.get(missing.headers["location"], headers=seen_by(missing))
        assert waited.status_code == 404
        system.events.kill()
        assert ok(await client.get("/api/orders"))["counts"] == {"created": 1}
        assert (await client.get("/api/orders")).headers["read-model"].startswith("stale")
        await asyncio.to_thread(system.start)
        answer = await client.get(missing.headers["location"], headers=seen_by(missing))
        await until(lambda: is_fresh(client, missing))


async def says_stale(client: httpx.AsyncClient, path: str) -> bool:
    answer = await client.get(path)
    assert answer.is_success
    return answer.headers["read-model"].startswith("stale; behind=")


async def is_fresh(client: httpx.AsyncClient, written: httpx.Response) -> bool:
    answer = await client.get(written.headers["location"], headers=seen_by(written))
    return answer.is_success and answer.headers["read-model"] == "fresh"


@pytest.mark.timeout(300)
async def test_rebuilt_under_fifty_readers_a_second_then_no_read_fails_or_is_empty(
    system: System,
):
    shop = await open_shop(system)
    async with system.client("customer", shop.customers[0]) as client:
        made_before = [await client.post("/api/orders", json=shop.order(1)) for _ in range(50)]
        await until(lambda: are_found(client, len(made_before)))
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as readers:
        reading = readers.create_task(read(system, shop, made_before, enough))
        for _ in range(2):
            outcomes = await asyncio.to_thread(system.json, "projections", "rebuild", "--all")
            for one in outcomes:
                assert (one["switched"], one["comparison"]["differing"]) == (True, 0)
        enough.set()
    assert reading.result() > 100
    assert await system.documents() == await system.clean_build()


async def are_found(client: httpx.AsyncClient, number: int) -> bool:
    """A search is near real time: what is shown is found a moment later."""
    found = ok(await client.get("/api/orders", params={"limit": 100}))["items"]
    return len(found) == number


async def read(
    system: System, shop: Shop, orders: list[httpx.Response], enough: asyncio.Event
) -> int:
    """Fifty reads a second, by id and by search, until told; how many there were."""
    count = 0
    async with system.client("customer", shop.customers[0]) as client:
        started = time.monotonic()
        while not enough.is_set():
            count += 1
            if count % 2:
                answer = await client.get(orders[count % len(orders)].headers["location"])
                assert ok(answer)["status"] == "created"
            else:
                found = ok(await client.get("/api/orders", params={"limit": 100}))
                assert len(found["items"]) == len(orders)
            await asyncio.sleep(max(0.0, started + count / 50 - time.monotonic()))
    return count


@pytest.mark.timeout(600)
async def test_rebuild_worker_and_relay_killed_ten_times_then_documents_are_as_built_at_rest(
    system: System,
):
    chance = random.Random(10)
    shop = await open_shop(system)
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as load:
        load.create_task(write(system, shop, enough))
        for number, name in zip(range(10), itertools.cycle(PROJECTORS)):
            rebuild = system.launch("projections", "rebuild", name, "--json")
            await asyncio.sleep(chance.uniform(0.5, 6))  # any moment of it will do
            victim = ("projector", "relay", None)[number % 3]
            if victim is None:
                rebuild.kill()
            else:
                system.kill_only(victim)
                await asyncio.to_thread(system.start_only, victim)
            rebuild.kill()
            with rebuild:
                rebuild.wait(20)
        enough.set()
    await settled(system)
    shown = await system.documents()
    assert shown == await system.clean_build()
    for name in PROJECTORS:
        [outcome] = await rebuilt(system, name)
        assert (outcome["switched"], outcome["comparison"]["differing"]) == (True, 0)
    assert await system.documents() == shown


async def rebuilt(system: System, name: str) -> Any:
    """Rebuild it; the right of one that was killed is free after a while."""
    deadline = time.monotonic() + 60
    while True:
        done = await asyncio.to_thread(system.orderlog, "projections", "rebuild", name, "--json")
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert "by another process" in done.stderr + done.stdout, done.stderr
        assert time.monotonic() < deadline
        await asyncio.sleep(1)


async def write(system: System, shop: Shop, enough: asyncio.Event) -> None:
    """Make orders, a few a second."""
    async with system.client("customer", shop.customers[0]) as client:
        while not enough.is_set():
            made(await client.post("/api/orders", json=shop.order(1, 1)))
            await asyncio.sleep(0.1)
