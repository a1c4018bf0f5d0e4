"""Rebuilding beside what serves, comparing, switching, rolling back."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import Refused
from event_store.port import Position
from projections import compare as compare_module
from projections.catalogue import PROJECTORS
from projections.catch_up import bring_forward
from projections.projector import fingerprint
from projections.rebuild import Rebuilder
from read_side.port import UnknownGeneration
from read_side.rebuild_port import RebuildUnderWay
from tests.integration.projections.shop import ADDED, CONFIRMED, CREATED, opened
from tests.integration.rebuild.world import (
    NAME,
    ORDERS,
    Careless,
    Shouting,
    fill,
    rebuilder,
    states,
)
from tests.support.projections import stored

SECONDS_OF_TRADE = 5
NEWER = stored("OrderConfirmed", schema_version=2, total="26")


@pytest.fixture
async def shop(tmp_path):
    async with opened(tmp_path) as opened_shop:
        await fill(opened_shop)
        yield opened_shop


async def test_at_rest_when_rebuilt_then_switched_and_one_older_is_kept(shop):
    reported = []
    first = await rebuilder(shop, report=reported.append, page_size=5).rebuild(ORDERS)
    assert (first.switched, first.events, first.comparison, first.parked) == (True, 12, None, ())
    assert [(it.phase, it.done, it.total) for it in reported] == [
        ("loading", 5, 12), ("loading", 10, 12), ("loading", 12, 12),
        ("following", 12, 12), ("built", 12, 12),
    ]  # fmt: skip
    shown = await shop.all(NAME)
    assert [one["status"] for one in shown] == ["confirmed"] * 4
    second = await rebuilder(shop).rebuild(ORDERS)
    assert (second.comparison.compared, second.comparison.differing) == (4, 0)
    await rebuilder(shop).rebuild(ORDERS)
    assert await states(shop) == [(2, "retired"), (3, "active")]
    assert await shop.all(NAME) == shown


async def test_every_projection_when_rebuilt_under_a_runner_then_nothing_differs(shop):
    async with shop.running():
        for projector in PROJECTORS.values():
            outcome = await rebuilder(shop, owned=False).rebuild(projector)
            assert (outcome.switched, outcome.comparison.differing) == (True, 0), projector.name
            assert outcome.comparison.not_compared == 0


async def test_200_writes_a_second_when_rebuilt_then_it_equals_a_rebuild_at_rest(shop):
    some_history, closed = asyncio.Event(), asyncio.Event()

    async def trade():
        number, loop = 0, asyncio.get_running_loop()
        begin = loop.time()
        while not closed.is_set():
            order = f"order-busy-{number // 3}"
            await shop.append(order, (CREATED, ADDED, CONFIRMED)[number % 3])
            number += 1
            if number == 60:
                some_history.set()
            await asyncio.sleep(max(0, begin + number / 200 - loop.time()))
        return number

    async with shop.running():
        trading = asyncio.create_task(trade())
        await some_history.wait()
        begin = time.monotonic()
        while time.monotonic() < begin + SECONDS_OF_TRADE:
            outcome = await rebuilder(shop, owned=False, page_size=20).rebuild(ORDERS)
            assert outcome.switched
            assert outcome.comparison.differing == 0
        closed.set()
        assert await trading > 60
        last = await shop.append("order-last", CREATED)
        assert await shop.shown(NAME, "order-last", last)
        live = await shop.all(NAME)
    at_rest = await rebuilder(shop).rebuild(ORDERS)
    assert at_rest.comparison.differing == at_rest.comparison.not_compared == 0
    assert await shop.all(NAME) == live


async def test_parked_when_rebuilt_then_it_is_told_and_switched_to_once_discarded(shop):
    await rebuilder(shop).rebuild(ORDERS)
    await shop.append("order-bad", CREATED, NEWER, ADDED)
    outcome = await rebuilder(shop).rebuild(ORDERS)
    assert not outcome.switched
    assert [(it.stream, it.version) for it in outcome.parked] == [("order-bad", 1)]
    assert await states(shop) == [(1, "active"), (2, "building")]
    again = await rebuilder(shop).switch(ORDERS)
    assert (again.switched, [it.stream for it in again.parked]) == (False, ["order-bad"])
    assert await shop.status.request(f"{NAME}:order-bad", "discard", "made by a test")
    assert (await rebuilder(shop).switch(ORDERS)).switched
    assert await states(shop) == [(1, "retired"), (2, "active")]
    assert len((await shop.documents.get(NAME, "bad"))["items"]) == 2
    assert (await rebuilder(shop).rebuild(ORDERS)).switched


async def test_not_switched_when_events_come_then_the_runner_writes_both_until_the_switch(shop):
    async with shop.running():
        outcome = await rebuilder(shop, owned=False).rebuild(ORDERS, switch=False)
        assert not outcome.switched
        assert (await shop.status.status(NAME)).rebuild.phase == "built"
        appended = await shop.append("order-new", CREATED)
        assert await shop.shown(NAME, "order-new", appended)
        compared = await rebuilder(shop, owned=False).compare(ORDERS)
        assert (compared.old, compared.new, compared.compared) == (1, 2, 5)
        assert (await rebuilder(shop, owned=False).switch(ORDERS)).switched
        assert (await shop.documents.get(NAME, "new"))["id"] == "new"
        assert (await shop.status.status(NAME)).rebuild is None
        for number in range(20):
            appended = await shop.append(f"order-after-{number}", CREATED)
            assert await shop.shown(NAME, f"order-after-{number}", appended)
        with pytest.raises(Refused, match="not switched"):
            await rebuilder(shop, owned=False).switch(ORDERS)


@pytest.mark.parametrize("owned", [True, False])
async def test_rolled_back_when_events_have_come_then_they_are_shown_first(shop, owned):
    async def to_and_fro():
        with pytest.raises(Refused, match="served before"):
            await rebuilder(shop, owned=owned).rollback(ORDERS)
        await rebuilder(shop, owned=owned).rebuild(ORDERS)
        appended = await shop.append("order-new", CREATED)
        if not owned:
            assert await shop.shown(NAME, "order-new", appended)
        outcome = await rebuilder(shop, owned=owned).rollback(ORDERS)
        assert (outcome.generation, outcome.switched) == (1, True)
        assert await states(shop) == [(1, "active"), (2, "retired")]
        assert (await shop.documents.get(NAME, "new"))["status"] == "created"
        if not owned:
            appended = await shop.append("order-new", ADDED)
            assert await shop.shown(NAME, "order-new", appended)
        compared = await rebuilder(shop, owned=owned).compare(ORDERS)
        assert compared.differing == 0

    if owned:
        await rebuilder(shop).rebuild(ORDERS)
        await to_and_fro()
    else:
        async with shop.running():
            await to_and_fro()


async def test_other_code_when_rebuilt_then_the_differences_are_listed_and_it_is_switched_to(shop):
    await rebuilder(shop).rebuild(ORDERS)
    outcome = await rebuilder(shop).rebuild(Shouting())
    found = outcome.comparison
    assert (outcome.switched, found.compared, found.differing) == (True, 4, 4)
    assert [(one.key, one.path, one.old, one.new) for one in found.differences] == [
        (str(number), "status", "confirmed", "CONFIRMED") for number in range(4)
    ]
    assert (await shop.all(NAME))[0]["status"] == "CONFIRMED"
    with pytest.raises(Refused, match="other code"):
        await rebuilder(shop).rollback(Shouting())


async def test_many_differences_when_compared_then_all_are_counted_and_some_listed(
    shop, monkeypatch
):
    monkeypatch.setattr(compare_module, "MAX_DIFFERENCES", 3)
    await rebuilder(shop).rebuild(ORDERS)
    found = (await rebuilder(shop).rebuild(Shouting())).comparison
    assert (found.differing, len(found.differences)) == (4, 3)


async def test_document_that_one_lacks_when_compared_then_it_is_a_difference(shop):
    await rebuilder(shop).rebuild(ORDERS)
    made = await shop.documents.create_generation(ORDERS.document_type, "print")
    await bring_forward(shop.events, shop.documents, Careless(), made)
    for parked in await shop.documents.parked(made):
        assert parked.version == 2
    (active, _) = await shop.documents.generations(NAME)
    found = await compare_module.compare(shop.events, shop.documents, active, made)
    assert (found.compared, found.differing, found.not_compared) == (4, 4, 0)
    assert {one.path for one in found.differences} >= {"status", "confirmed_at"}


async def test_paused_or_not_taken_over_when_rebuilt_then_refused_and_nothing_is_left(shop):
    await rebuilder(shop).rebuild(ORDERS)
    await shop.status.pause(NAME)
    with pytest.raises(Refused, match="paused"):
        await rebuilder(shop).rebuild(ORDERS)
    await shop.status.resume(NAME)
    nobody = Rebuilder(
        shop.events, shop.documents, shop.events.count, own=lambda: False, patience=0.1
    )
    with pytest.raises(Refused, match=r"[Nn]obody took over"):
        await nobody.rebuild(ORDERS)
    assert await states(shop) == [(1, "active")]
    assert (await shop.status.status(NAME)).rebuild is None


async def test_two_rebuilds_at_once_when_one_is_under_way_then_the_other_is_told(shop):
    async with shop.documents.rebuilding(NAME):
        with pytest.raises(RebuildUnderWay):
            await rebuilder(shop).rebuild(ORDERS)


async def test_abandoned_when_its_lease_has_lapsed_then_the_owner_drops_it(shop):
    made = await shop.documents.begin_rebuild(
        ORDERS.document_type, fingerprint(ORDERS), total=9, lease_seconds=0.2
    )
    now = datetime.now(UTC)
    (listed,) = await shop.documents.rebuilds(NAME)
    assert listed.lease_until <= now + timedelta(seconds=0.2)
    dropped, drop = asyncio.Event(), shop.documents.drop

    async def dropping(generation):
        await drop(generation)
        assert generation.number == made.number
        dropped.set()

    shop.documents.drop = dropping
    async with shop.running(), asyncio.timeout(10):
        await dropped.wait()
    assert [state for _, state in await states(shop)] == ["active"]


async def test_dropped_meanwhile_when_rebuilding_then_it_ends_with_an_error(shop):
    def drop_soon(progress):
        if progress.phase == "following":
            asyncio.get_running_loop().create_task(drop())

    async def drop():
        for one in await shop.documents.rebuilds(NAME):
            await shop.documents.drop(one.generation)

    rebuilding = rebuilder(shop, owned=False, report=drop_soon).rebuild(ORDERS)
    with pytest.raises(UnknownGeneration):
        async with asyncio.timeout(8):
            await rebuilding
    assert await states(shop) == []


async def test_many_events_when_rebuilt_then_only_a_page_is_held_at_once(shop):
    sizes, read_all = [], shop.events.read_all

    async def reading(*, after: Position | None = None, limit: int = 500, **how):
        page = await read_all(after=after, limit=limit, **how)
        sizes.append((limit, len(page.events)))
        return page

    shop.events.read_all = reading
    outcome = await rebuilder(shop, page_size=5).rebuild(ORDERS)
    assert outcome.events == 12
    assert sizes[:3] == [(5, 5), (5, 5), (5, 2)]
