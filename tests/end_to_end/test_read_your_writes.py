"""What was written is read at once, or the answer says that it may be missing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from tests.end_to_end.connection import connected
from tests.end_to_end.shop import Shop, made, ok, open_shop, problem, seen_by, until
from tests.end_to_end.system import System, running

CUSTOMERS = 8
ORDERS = {"sqlite": 1_000, "eventstoredb": 400, "services": 504}
"""The development server is slower than the embedded store."""
WAIT = 0.3
QUANTITIES = ((1,), (0, 2), (0, 0, 3))


async def test_orders_when_read_and_searched_at_once_then_found_every_time(system: System):
    shop = await open_shop(system, customers=CUSTOMERS)
    counts = await asyncio.gather(*(buy(system, shop, one) for one in shop.customers))
    assert sum(counts) == ORDERS[system.topology]


async def buy(system: System, shop: Shop, customer: str) -> int:
    async with connected(system, "customer", customer) as connection:
        for number in range(ORDERS[system.topology] // CUSTOMERS):
            answer = await connection.post("/api/orders", shop.order(*QUANTITIES[number % 3]))
            order, token = made(answer)["id"], seen_by(answer)
            seen = await connection.get(answer.headers["location"], token)
            assert (ok(seen)["id"], seen.headers["etag"]) == (order, answer.headers["etag"])
            by_text = await connection.get("/api/orders", token, q=order)
            newest = await connection.get("/api/orders", token, customer_id=customer, limit=1)
            for found, count in ((by_text, 1), (newest, number + 1)):
                assert [one["id"] for one in ok(found)["items"]] == [order]
                assert ok(found)["counts"] == {"created": count}
            for one in (seen, by_text, newest):
                assert one.headers["read-model"] == "fresh"
        return number + 1


async def test_projection_when_paused_then_answers_in_time_and_stale_until_it_goes_on(
    tmp_path: Path, topology: str
):
    with running(tmp_path / "system", topology, consistency_wait_seconds=WAIT) as system:
        shop = await open_shop(system)
        async with system.client("customer", shop.customers[0]) as client:
            before = await client.post("/api/orders", json=shop.order(1))
            assert await fresh(client, before)
            system.told("projections", "pause", "order_details")
            while await fresh(client, before):  # until the projection stands still
                before = await client.post("/api/orders", json=shop.order(1))
            cancelled = await check_stale(client, before)
        system.stop()
        system.settings["consistency_wait_seconds"] = 20
        system.start()
        await check_waiting(system, shop, before, cancelled)


async def check_waiting(
    system: System, shop: Shop, written: httpx.Response, cancelled: httpx.Response
) -> None:
    """It still stands still after a restart; a query that may wait longer sees it go on."""
    async with system.client("customer", shop.customers[0]) as client:
        location, token = written.headers["location"], seen_by(cancelled)
        search = {"q": written.json()["id"]}
        waiting = asyncio.gather(
            client.get(location, headers=token),
            client.get("/api/orders", params=search, headers=token),
        )
        assert (await client.get(location)).status_code == 404
        assert not waiting.done()
        await asyncio.to_thread(system.told, "projections", "resume", "order_details")
        seen, found = await waiting
        assert ok(seen)["status"] == "cancelled"
        assert [one["status"] for one in ok(found)["items"]] == ["cancelled"]
        assert seen.headers["read-model"] == found.headers["read-model"] == "fresh"
        assert (await client.get("/api/orders")).headers["read-model"] == "fresh"


async def fresh(client: httpx.AsyncClient, written: httpx.Response) -> bool:
    answer = await client.get(written.headers["location"], headers=seen_by(written))
    assert (answer.status_code == 200) == (answer.headers["read-model"] == "fresh")
    return answer.status_code == 200


async def check_stale(client: httpx.AsyncClient, written: httpx.Response) -> httpx.Response:
    """Nothing is refused or late; what is missing is said. The answer to one more change."""
    location = written.headers["location"]
    changed = await client.post(f"{location}/cancel", json={"reason": "tested"})
    assert changed.status_code == 200, "what is written does not wait for what is read"
    for path in (location, "/api/orders"):
        started = time.monotonic()
        answer = await client.get(path, headers=seen_by(changed))
        assert WAIT <= time.monotonic() - started < WAIT + 2
        assert answer.headers["read-model"].startswith("stale; behind=")
    assert problem(await client.get(location, headers=seen_by(written))) == (404, "order-not-found")
    # What others read is stale as soon as it lacks something for more than a second.
    await until(lambda: is_stale(client))
    return changed


async def is_stale(client: httpx.AsyncClient) -> bool:
    return (await client.get("/api/orders")).headers["read-model"].startswith("stale")
