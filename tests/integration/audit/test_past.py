"""An order at a version or a time is what replay to that point gives."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.commands.sales import AddItem, CancelOrder, ConfirmOrder, RemoveItem
from event_store.codec import decode
from tests.integration.audit.world import CUP, TEA, World, opened
from tests.support.commands import ADA, EVE, NOW, OPERATOR, uid
from write_side.sales.order import Order

STEPS = st.lists(
    st.tuples(st.sampled_from(["tea", "cup", "remove", "confirm", "cancel"]), st.integers(0, 3)),
    max_size=7,
)


async def live(world: World, order_id: str, steps: list[tuple[str, int]]) -> None:
    """Let an order live through these steps; what is refused is left out."""
    made: list[str] = []
    for what, number in steps:
        match what:
            case "tea" | "cup":
                product = TEA if what == "tea" else CUP
                add = AddItem(order_id=order_id, product_id=product, quantity=number + 1)
                # Some at the same moment as what happened before.
                answer = await world.do(add, ADA, world.clock + timedelta(minutes=number))
                made += [answer.ids["item_id"]] if answer else []
            case "remove" if made:
                item = made.pop(number % len(made))
                await world.do(RemoveItem(order_id=order_id, item_id=item), ADA)
            case "confirm":
                await world.do(ConfirmOrder(order_id=order_id, payment_method="tok"), ADA)
            case "cancel":
                await world.do(CancelOrder(order_id=order_id, reason="no"), ADA)
            case _:
                pass


async def check(world: World, shown: dict[str, Any], version: int) -> None:
    """Compare with what the write side makes of the same events, a fold of another kind."""
    order = Order.blank(shown["id"])
    for recorded in await world.container.events.read_stream(order.stream, last=version):
        decode(recorded)[0].mutate(order)
    assert (shown["version"], shown["status"]) == (version, order.status)
    assert [(item["item_id"], item["quantity"]) for item in shown["items"]] == [
        (line.item_id, line.quantity) for line in order.items.values()
    ]
    totals = [line.unit_price * line.quantity for line in order.items.values()]
    total = sum(totals[1:], totals[0]) if totals else None
    amount = {"amount": str(total.amount), "currency": "EUR"} if total else None
    assert shown["total_amount"] == amount


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count(1)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.sampled_from([(), (TEA,), (TEA, CUP)]), steps=STEPS)
async def test_any_life_when_seen_at_each_version_and_time_then_as_replayed(
    world: World, numbers: Iterator[int], first: tuple[str, ...], steps: list[tuple[str, int]]
):
    order_id = await world.order(next(numbers), *first)
    await live(world, order_id, steps)
    history = await world.items(f"/api/orders/{order_id}/history", limit=2)
    stream = await world.container.events.read_stream(f"order-{order_id}")
    assert [entry["event_id"] for entry in history] == [str(event.id) for event in stream]
    for entry in history:
        at_version = await world.get(f"/api/orders/{order_id}", version=entry["version"])
        assert at_version.headers["etag"] == f'"{entry["version"]}"'
        await check(world, at_version.json(), entry["version"])
        at_time = await world.get(f"/api/orders/{order_id}", as_of=entry["occurred_at"])
        until = [e["version"] for e in history if e["occurred_at"] <= entry["occurred_at"]]
        await check(world, at_time.json(), until[-1])
    now = await world.get(f"/api/orders/{order_id}")
    assert at_version.json() == now.json()
    assert at_version.headers["etag"] == now.headers["etag"]
    beyond = await world.get(f"/api/orders/{order_id}", version=len(stream))
    assert beyond.status_code == 404


async def test_past_when_asked_for_by_others_then_not_found(world: World):
    order_id = await world.order(1, TEA)
    assert (await world.get(f"/api/orders/{order_id}", ADA, version=0)).status_code == 200
    for parameters in ({"version": 0}, {"version": 9}, {"as_of": "9999-12-31"}):
        answer = await world.get(f"/api/orders/{order_id}", EVE, **parameters)
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            f"There is no order {order_id}.",
        )
    for path in (f"/api/orders/{uid(77)}", "/api/orders/x"):
        assert (await world.get(path, version=0)).status_code == 404


async def test_order_when_not_there_yet_then_not_found_and_at_that_moment_there(world: World):
    order_id = await world.order(1, TEA)
    created = world.clock
    before = created - timedelta(microseconds=1)
    path = f"/api/orders/{order_id}"
    assert (await world.get(path, as_of=before.isoformat())).status_code == 404
    assert (await world.get(path, as_of=created.isoformat())).status_code == 200
    assert created > NOW


# Only an embedded store has a file to spoil.
async def test_order_whose_first_event_can_not_be_read_when_looked_back_then_unavailable(
    tmp_path: Path,
):
    async with opened(tmp_path / "data") as world:
        order_id = await world.order(1, TEA)
        path = f"/api/orders/{order_id}"
        assert (await world.get(path)).status_code == 200
        with closing(sqlite3.connect(tmp_path / "data" / "events.db")) as file:
            file.execute(
                "UPDATE events SET data = ? WHERE stream = ? AND version = 0",
                (b"{", f"order-{order_id}"),
            )
            file.commit()
        for actor in (OPERATOR, ADA):
            answer = await world.get(path, actor, version=0)
            assert answer.status_code == 503, answer.text
            assert "The past can't be replayed" in answer.json()["detail"]
        assert (await world.get(path, EVE, version=0)).status_code == 404
        assert (await world.get(f"{path}/history", ADA)).status_code == 200
        assert (await world.get(f"{path}/history", EVE)).status_code == 404
