"""An event that can't be projected stops its own stream, until somebody decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec

from contracts.metadata import Metadata
from contracts.values import SYSTEM
from event_store.port import NewEvent
from tests.end_to_end.shop import made, ok, open_shop, problem, seen_by, settled, until
from tests.end_to_end.system import System


def stored(kind: str, schema_version: int = 1, **data: object) -> NewEvent:
    """An event as other software might have written it."""
    metadata = Metadata(
        correlation_id=str(uuid4()),
        causation_id=str(uuid4()),
        command_id=str(uuid4()),
        command="Tested",
        actor=SYSTEM,
        source="test",
        occurred_at=datetime.now(UTC),
        schema_version=schema_version,
    )
    return NewEvent(uuid4(), kind, msgspec.json.encode(data), msgspec.json.encode(metadata))


MALFORMED = ("ItemAdded", 1)
NEWER = ("OrderConfirmed", 99)


async def test_poison_events_park_their_streams_until_they_are_discarded(system: System):
    system.expected_errors = ("a stream is parked: its event could not be handled",)
    shop = await open_shop(system)
    async with (
        system.client("customer", shop.customers[0]) as client,
        system.client("operator") as operator,
    ):
        answers = [await client.post("/api/orders", json=shop.order(1)) for _ in range(3)]
        malformed, newer, healthy = (made(answer)["id"] for answer in answers)
        await settled(system)
        await poison(system, malformed, *MALFORMED)
        await poison(system, newer, *NEWER)
        ids = {f"order_details:order-{order}" for order in (malformed, newer)}
        await until(lambda: parked(operator, ids))
        await check_the_others_flow(client, answers[2])
        for order, at_version in ((malformed, '"0"'), (newer, '"0"')):
            shown = await client.get(f"/api/orders/{order}")
            assert (ok(shown)["status"], shown.headers["etag"]) == ("created", at_version)
        refused = await client.post(f"/api/orders/{newer}/confirm")
        assert problem(refused) == (503, "unavailable"), "what is not understood is not guessed"
        await check_told(system, operator, ids)
        await discard_all(system, operator, malformed, newer)
        await until(lambda: parked(operator, set()))
        for order in (malformed, newer):
            assert ok(await client.get(f"/api/orders/{order}"))["status"] == "cancelled"
        assert ok(await client.get(f"/api/orders/{healthy}"))["status"] == "confirmed"
        ok(await operator.get("/health/ready"))


async def poison(system: System, order: str, kind: str, schema_version: int) -> None:
    """Something unreadable, and behind it something that can be read."""
    async with system.event_store() as store:
        events = [
            stored(kind, schema_version),
            stored("OrderCancelled", reason="r", cancelled_by=SYSTEM),
        ]
        await store.append(f"order-{order}", events, expected=0)


async def parked(operator: httpx.AsyncClient, ids: set[str]) -> bool:
    found = {one["id"] for one in ok(await operator.get("/api/parked"))["items"]}
    return {one for one in found if one.startswith("order_details:")} == ids


async def check_the_others_flow(client: httpx.AsyncClient, healthy: httpx.Response) -> None:
    confirmed = await client.post(f"{healthy.headers['location']}/confirm")
    seen = await client.get(healthy.headers["location"], headers=seen_by(confirmed))
    assert (ok(seen)["status"], seen.headers["read-model"]) == ("confirmed", "fresh")
    search = {"status": "confirmed"}
    found = await client.get("/api/orders", params=search, headers=seen_by(confirmed))
    assert [one["id"] for one in ok(found)["items"]] == [healthy.json()["id"]]


async def check_told(system: System, operator: httpx.AsyncClient, ids: set[str]) -> None:
    ok(await operator.get("/health/ready"))
    states = {it["name"]: it for it in ok(await operator.get("/api/projections"))["items"]}
    assert (states["order_details"]["parked"], states["order_details"]["lag_seconds"]) == (2, 0)
    by_api = {it["id"]: it for it in ok(await operator.get("/api/parked"))["items"]}
    by_cli = {it["id"]: it for it in await asyncio.to_thread(system.json, "parked", "list")}
    assert by_api.keys() == by_cli.keys() >= ids
    for one in ids:
        assert by_api[one].items() <= by_cli[one].items()
        assert (by_api[one]["version"], by_api[one]["projection"]) == (1, "order_details")
        assert by_api[one]["error"].startswith(("MalformedEvent: ", "NewerSchemaVersion: "))


async def discard_all(
    system: System, operator: httpx.AsyncClient, by_api: str, by_cli: str
) -> None:
    path = f"/api/parked/order_details:order-{by_api}/discard"
    assert problem(await operator.post(path, json={"reason": ""}))[0] == 422
    assert ok(await operator.post(path, json={"reason": "made by a test"}))["request"] == "discard"
    name = f"order_details:order-{by_cli}"
    await asyncio.to_thread(system.told, "parked", "discard", name, "--reason", "also by a test")
