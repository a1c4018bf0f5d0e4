"""`kill -9` under load: what was acknowledged is there once, what was not can be asked again."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from contracts.registry import EVENT_TYPES
from event_store.port import RecordedEvent
from tests.end_to_end.shop import (
    Shop,
    keyed,
    made,
    ok,
    open_shop,
    register,
    settled,
    sign_in,
    until,
)
from tests.end_to_end.system import System, running

KILLS = {"sqlite": 3, "eventstoredb": 2, "services": 1}
BUYERS = 5
LIMITS = {"sign_ins_per_email": "1000000/second", "sign_ins_per_address": "1000000/second"}


@dataclass
class Asked:
    """A command that was asked for, and its answer if there was one."""

    path: str
    body: dict[str, Any]
    key: str
    answer: tuple[int, str, Any] | None = None


@dataclass
class Buyer:
    """A customer who makes one order after the other, and notes every request."""

    customer: str
    shop: Shop
    number: int
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    """By order, in their order."""

    async def buy(self, client: httpx.AsyncClient, acknowledged: asyncio.Semaphore) -> None:
        """Go on until the server is gone."""
        try:
            while True:
                await self._one_order(client, acknowledged)
        except httpx.TransportError:
            return

    async def _one_order(self, client: httpx.AsyncClient, acknowledged: asyncio.Semaphore) -> None:
        steps = plan(self.shop, f"{self.number}-{len(self.asked)}")
        order = steps[0].key
        self.asked[order] = []
        path = ""
        for step in steps:
            step.path = step.path.format(path)
            self.asked[order].append(step)
            step.answer = await ask(client, step)
            path = f"/api/orders/{step.answer[2]['id']}"
            acknowledged.release()

    async def ask_again(self, client: httpx.AsyncClient) -> None:
        """The same answers as before; where there was none, there is one now."""
        for step in itertools.chain.from_iterable(self.asked.values()):
            answer = await ask(client, step)
            assert step.answer in (None, answer)
            step.answer = answer


def plan(shop: Shop, name: str) -> list[Asked]:
    """An order and what happens to it: each step leads to exactly one event."""
    chance = random.Random(name)
    line = {"product_id": shop.products[2], "quantity": chance.randint(1, 3)}
    return [
        Asked("/api/orders", shop.order(chance.randint(1, 3), chance.randint(0, 2)), f"{name}-new"),
        Asked("{}/items", line, f"{name}-add"),
        chance.choice(
            [
                Asked("{}/confirm", {"payment_method": "tok_visa"}, f"{name}-confirm"),
                Asked("{}/cancel", {"reason": "changed my mind"}, f"{name}-cancel"),
            ]
        ),
    ]


async def ask(client: httpx.AsyncClient, step: Asked) -> tuple[int, str, Any]:
    answer = await client.post(step.path, json=step.body, headers=keyed(step.key))
    assert answer.is_success, answer.text
    return answer.status_code, answer.headers["etag"], answer.json()


async def test_killed_under_load_then_every_command_is_there_exactly_once(
    tmp_path: Path, topology: str
):
    with running(tmp_path / "system", topology, **LIMITS) as system:
        shop = await open_shop(system, customers=BUYERS)
        buyers = [Buyer(customer, shop, number) for number, customer in enumerate(shop.customers)]
        newcomers: dict[str, str | None] = {}
        for round_number in range(KILLS[topology]):
            await kill_under_load(system, buyers, newcomers, round_number)
            system.start()
            await all_together(system, [buyer.ask_again for buyer in buyers], shop)
        await settled(system)
        await check_events(system, buyers)
        await check_reservations(system)
        await check_claims(system)
        await check_newcomers(system, newcomers)
        await settled(system)
        assert await system.documents() == await system.clean_build()
        assert system.json("parked", "list") == []


async def kill_under_load(
    system: System, buyers: list[Buyer], newcomers: dict[str, str | None], round_number: int
) -> None:
    acknowledged = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as load:
        for buyer in buyers:
            load.create_task(connected(system, buyer, acknowledged))
        load.create_task(newcomers_register(system, newcomers, f"round-{round_number}"))
        for _ in range(random.Random(round_number).randint(60, 200)):
            await acknowledged.acquire()
        system.kill()


async def connected(system: System, buyer: Buyer, acknowledged: asyncio.Semaphore) -> None:
    async with system.client("customer", buyer.customer) as client:
        await buyer.buy(client, acknowledged)


async def newcomers_register(system: System, newcomers: dict[str, str | None], name: str) -> None:
    """Sign up one after the other; remember the id of each that was answered."""
    async with system.client() as visitor:
        for number in itertools.count():
            email = f"{name}-{number}@example.com"
            newcomers[email] = None
            try:
                answer = await register(visitor, email, email)
            except httpx.TransportError:
                return
            newcomers[email] = made(answer)["id"]


async def all_together(system: System, repeats: list[Any], shop: Shop) -> None:
    async with asyncio.TaskGroup() as group:
        for customer, repeat in zip(shop.customers, repeats, strict=True):
            group.create_task(with_client(system, customer, repeat))


async def with_client(system: System, customer: str, work: Any) -> None:
    async with system.client("customer", customer) as client:
        await work(client)


async def check_events(system: System, buyers: list[Buyer]) -> None:
    """Each order's stream holds what its requests led to and nothing else."""
    wanted = {
        f"order-{steps[0].answer[2]['id']}": [event_of(step) for step in steps]
        for buyer in buyers
        for steps in buyer.asked.values()
    }
    found: dict[str, list[str]] = {}
    for event in await all_events(system, "order"):
        found.setdefault(event.stream, []).append(event.type)
    assert found == wanted
    assert sum(map(len, found.values())) > KILLS[system.topology] * 60


def event_of(step: Asked) -> str:
    endings = {"items": "ItemAdded", "confirm": "OrderConfirmed", "cancel": "OrderCancelled"}
    name = endings.get(step.path.rpartition("/")[2], "OrderCreated")
    assert name in EVENT_TYPES
    return name


async def all_events(system: System, *categories: str) -> Sequence[RecordedEvent]:
    async with system.event_store() as store:
        page = await store.read_all(limit=1_000_000, categories=categories)
    assert page.at_end
    return page.events


async def check_claims(system: System) -> None:
    """Nobody's registration is left half done: who has an address is a user and can sign in."""
    streams = {event.stream for event in await all_events(system, "user", "credential")}
    holders: dict[str, str | None] = {}
    for event in await all_events(system, "email"):
        claimed = event.type == "EmailClaimed"
        holders[event.stream] = json.loads(event.data)["user_id"] if claimed else None
    held = [user for user in holders.values() if user is not None]
    assert len(held) >= BUYERS
    assert {f"{kind}-{user}" for user in held for kind in ("user", "credential")} == streams


async def check_reservations(system: System) -> None:
    """What is reserved for each order is what the order holds: nothing twice, nothing lost."""
    documents = await system.documents()
    products = {it["id"]: it["name"] for it, _ in documents["product_catalogue"].values()}
    wanted: dict[str, Counter[str]] = {sku: Counter() for sku in documents["stock_levels"]}
    for order, _ in documents["order_details"].values():
        for item in order["items"] if order["status"] != "cancelled" else ():
            wanted[products[item["product_id"]]][order["id"]] += item["quantity"]
    for sku, (stock, _) in documents["stock_levels"].items():
        assert await reservations(system, sku) == wanted[sku]
        assert stock["reserved"] == wanted[sku].total()
        assert stock["available"] == stock["on_hand"] - stock["reserved"]


async def reservations(system: System, sku: str) -> Counter[str]:
    """By order, from the events of the SKU."""
    reserved: Counter[str] = Counter()
    for event in await all_events(system, "stock"):
        data = json.loads(event.data)
        if event.stream == f"stock-{sku}" and "order_id" in data:
            reserved[data["order_id"]] = data["quantity"] if event.type == "StockReserved" else 0
    return +reserved


async def check_newcomers(system: System, newcomers: dict[str, str | None]) -> None:
    """Who was told to be registered is; for the others the same request settles it."""
    async with system.client() as visitor:
        for email, known in newcomers.items():
            user = made(await register(visitor, email, email))["id"]
            assert known in (None, user)
        last = list(newcomers)[-1]
        made(await sign_in(visitor, last))
    async with system.client("operator") as operator:

        async def is_found() -> bool:
            found = ok(await operator.get("/api/users", params={"q": last}))["items"]
            return [one["email"] for one in found] == [last]

        await until(is_found)
