"""830 real orders: imported beside a running server, added up, replayed, and explained."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.end_to_end.shop import ok, settled, until
from tests.end_to_end.system import System
from tests.integration.cli.test_northwind import GROSS, northwind

# In the embedded store they are imported in tests/integration/cli/test_northwind.py.
pytestmark = pytest.mark.parametrize("topology", ["eventstoredb", "services"], indirect=True)

LINES = 2155
BY_STATUS = {"confirmed": 21, "shipped": 809}


async def test_real_orders_are_imported_added_up_replayed_and_explained(system: System):
    folder = northwind()
    summary = await told(system, "import", folder)
    assert (summary["orders"]["added"], summary["problems"]) == (830, [])
    await settled(system)
    await check_totals(system)
    await check_replay(system)
    await check_audit(system)
    again = await told(system, "import", folder)
    assert {it["added"] for step, it in again.items() if step != "problems"} == {0}


async def told(system: System, *words: object) -> Any:
    return await asyncio.to_thread(system.json, *words)


async def check_totals(system: System) -> None:
    async with system.client("operator") as operator:
        found = ok(await operator.get("/api/orders", params={"limit": 1}))
        assert found["counts"] == BY_STATUS
        for by in ("day", "product"):
            parameters = {"by": by, "currency": "USD"}
            report = ok(await operator.get("/api/reports/sales", params=parameters))
            assert report["total"] == {"amount": str(GROSS), "currency": "USD"}
            assert sum(Decimal(row["revenue"]["amount"]) for row in report["rows"]) == GROSS


async def check_replay(system: System) -> None:
    """Built anew from all events, every document is what it was."""
    before = await system.documents()
    assert sum(len(order["items"]) for order, _ in before["order_details"].values()) == LINES
    outcomes = await told(system, "projections", "rebuild", "--all")
    assert {one["projection"] for one in outcomes} == before.keys()
    for one in outcomes:
        assert one["switched"]
        assert one["comparison"]["differing"] == 0
    assert await system.documents() == before
    await check_rebuild_by_the_server(system)
    assert await system.documents() == before


async def check_rebuild_by_the_server(system: System) -> None:
    """Asked for over HTTP, a process of its own does it, beside the server's connection."""
    async with system.client("operator") as operator:

        async def generation() -> int:
            states = ok(await operator.get("/api/projections"))["items"]
            return next(one["generation"] for one in states if one["name"] == "customers")

        async def is_newer() -> bool:
            return await generation() > before

        before = await generation()
        answer = await operator.post("/api/projections/customers/rebuild")
        assert answer.is_success, answer.text
        await until(is_newer)


async def check_audit(system: System) -> None:
    """Nothing was changed since it was recorded, and an order's life is told."""
    verified = await told(system, "audit", "verify")
    assert (verified["ok"], verified["found"]) == (True, [])
    assert verified["proven"] == verified["events"] > 0
    async with system.event_store() as store:
        page = await store.read_all(categories=["order"], limit=1)
    stream = page.events[0].stream
    entries = await told(system, "audit", "stream", stream)
    assert [entry["command"] for entry in entries] == [
        "ImportOrder",
        "ConfirmOrder",
        "MarkOrderShipped",
    ]
    assert all(entry["occurred_at"] < "1999" < entry["recorded_at"] for entry in entries)
