"""Rebuilds that several processes replay."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace

import pytest

from bootstrap.replay_processes import in_processes
from bootstrap.settings import Settings
from event_store.errors import EventStoreUnavailable
from event_store.shares import Share
from projections.catalogue import PROJECTORS
from projections.order_details import OrderDetails
from projections.replay import Replay, ShareFailed, replay_share
from projections.shown import ALL_EVENTS
from read_side.port import ReadStoreError
from read_side.sqlite import SqliteReadStore
from tests.integration.projections.shop import ADDED, CONFIRMED, CREATED, RECEIVED, USER, opened
from tests.integration.rebuild.shared import COMMAND, SharedReadStore, watching
from tests.integration.rebuild.world import NAME, ORDERS, rebuilder, states
from tests.support.projections import stored

REBUILDING = (sys.executable, "-m", "tests.integration.rebuild.sharing_process")
NEWER = stored("OrderConfirmed", schema_version=2, total="26")
IDS = ("0-a", "1-b", "2-c", "3-D", "4-", "5-é", "6-7")


@pytest.fixture
async def shop(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.integration.projections.shop.SqliteReadStore", SharedReadStore)
    async with opened(tmp_path) as opened_shop:
        for number in IDS:
            await opened_shop.append(f"order-{number}", CREATED, ADDED)
            await opened_shop.append(f"user-{number}", USER)
            await opened_shop.append(f"stock-{number}", RECEIVED)
        for number in IDS:
            await opened_shop.append(f"order-{number}", CONFIRMED)
        yield opened_shop


def in_shares(folder, processes, *how):
    return in_processes(Settings(data=folder), processes, (*COMMAND, *how))


@pytest.mark.parametrize("processes", [2, 3])
async def test_shares_when_replayed_by_processes_then_all_is_as_one_makes_it(
    shop, tmp_path, processes
):
    for projector in (ORDERS, PROJECTORS["event_log"]):
        await rebuilder(shop).rebuild(projector)
        reported = []
        outcome = await rebuilder(
            shop, in_shares=in_shares(tmp_path, processes), report=reported.append, page_size=4
        ).rebuild(projector)
        assert (outcome.switched, outcome.parked) == (True, ())
        comparison = outcome.comparison
        assert (comparison.differing, comparison.not_compared) == (0, 0), projector.name
        one, other = await shop.documents.generations(projector.name)
        whole = await shop.documents.scan(one)
        assert await shop.documents.scan(other) == whole
        assert comparison.compared == len(whole)
        replayed = [it for it in reported if it.phase == "loading"]
        assert (replayed[-1].done, replayed[-1].total) == (outcome.events, outcome.events)
        assert outcome.events == await shop.events.count(projector.categories)


async def test_shares_when_replayed_then_only_the_head_of_before_is_said_to_be_shown(
    shop, tmp_path
):
    head, told = await shop.events.head(), []

    async def come_late(replay, done):
        await shop.append("order-late", CREATED)
        await in_shares(tmp_path, 2)(replay, done)
        told.append(await shop.documents.checkpoints(replay.generation))

    load = rebuilder(shop, in_shares=come_late)
    write, written = shop.documents.write, []

    async def writing(generation, batch):
        written.append(batch)
        await write(generation, batch)

    shop.documents.write = writing
    assert (await load.rebuild(ORDERS)).switched
    assert told == [{}]
    (checkpoint,) = written[0].checkpoints
    assert (checkpoint.source, checkpoint.position) == (ALL_EVENTS, head)
    assert (await shop.documents.get(NAME, "late"))["status"] == "created"


async def test_one_process_when_asked_for_then_none_is_started(tmp_path):
    assert in_processes(Settings(data=tmp_path), 1) is None


async def test_poison_when_two_processes_come_by_some_then_all_is_parked_and_told(shop, tmp_path):
    for number in IDS[:2]:
        await shop.append(f"order-bad-{number}", CREATED, NEWER, ADDED)
    outcome = await rebuilder(shop, in_shares=in_shares(tmp_path, 2)).rebuild(ORDERS)
    assert not outcome.switched
    assert sorted((it.stream, it.version) for it in outcome.parked) == [
        ("order-bad-0-a", 1), ("order-bad-1-b", 1),
    ]  # fmt: skip
    for parked in outcome.parked:
        await shop.status.request(parked.id, "discard", "made by a test")
    assert (await rebuilder(shop).switch(ORDERS)).switched


async def test_failure_in_a_process_when_replaying_then_it_is_told_and_nothing_is_left(
    shop, tmp_path
):
    await rebuilder(shop).rebuild(ORDERS)
    with pytest.raises(ShareFailed, match=r"process \d of 3 .* failed: the disk is full"):
        await rebuilder(shop, in_shares=in_shares(tmp_path, 3, "fail")).rebuild(ORDERS)
    assert await states(shop) == [(1, "active")]
    assert (await shop.status.status(NAME)).rebuild is None


async def test_process_when_killed_then_it_is_told_and_nothing_is_left(shop, tmp_path):
    await rebuilder(shop).rebuild(ORDERS)
    before = await shop.all(NAME)
    async with watching(tmp_path) as watch:
        rebuilding = asyncio.create_task(
            rebuilder(shop, in_shares=in_shares(tmp_path, 3, "stand")).rebuild(ORDERS)
        )
        processes = await watch.standing(3)
        assert [state for _, state in await states(shop)] == ["active", "building"]
        os.kill(processes[0], signal.SIGKILL)
        with pytest.raises(ShareFailed, match=r"process \d of 3 .* ended too soon, by SIGKILL"):
            await rebuilding
        await watch.gone()
    assert await states(shop) == [(1, "active")]
    assert await shop.all(NAME) == before
    assert (await rebuilder(shop, in_shares=in_shares(tmp_path, 2)).rebuild(ORDERS)).switched


async def test_rebuild_when_cancelled_then_its_processes_are_gone(shop, tmp_path):
    async with watching(tmp_path) as watch:
        rebuilding = asyncio.create_task(
            rebuilder(shop, in_shares=in_shares(tmp_path, 2, "stand")).rebuild(ORDERS)
        )
        await watch.standing(2)
        rebuilding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rebuilding
        await watch.gone()
    assert await states(shop) == []


async def test_rebuild_when_killed_then_its_processes_end_and_the_next_one_succeeds(shop, tmp_path):
    await rebuilder(shop).rebuild(ORDERS)
    async with watching(tmp_path) as watch:
        process = await asyncio.create_subprocess_exec(*REBUILDING, str(tmp_path))
        await watch.standing(2)
        process.kill()
        await watch.gone()
        await process.wait()
    assert [state for _, state in await states(shop)] == ["active", "building"]
    assert (await rebuilder(shop, in_shares=in_shares(tmp_path, 2)).rebuild(ORDERS)).switched


async def test_process_that_can_not_be_started_then_it_is_told(shop, tmp_path):
    missing = in_processes(Settings(data=tmp_path), 2, (str(tmp_path / "missing"),))
    with pytest.raises(ShareFailed, match="could not be started"):
        await rebuilder(shop, in_shares=missing).rebuild(ORDERS)
    assert await states(shop) == []


async def test_store_of_one_writer_when_rebuilt_then_no_process_is_asked(tmp_path):
    async def never(replay, done):
        raise AssertionError

    async with opened(tmp_path) as own:
        assert type(own.documents) is SqliteReadStore
        await own.append("order-1", CREATED)
        assert (await rebuilder(own, in_shares=never).rebuild(ORDERS)).switched


async def test_nothing_recorded_when_rebuilt_then_no_process_is_asked(tmp_path, monkeypatch):
    async def never(replay, done):
        raise AssertionError

    monkeypatch.setattr("tests.integration.projections.shop.SqliteReadStore", SharedReadStore)
    async with opened(tmp_path) as empty:
        assert (await rebuilder(empty, in_shares=never).rebuild(ORDERS)).switched


class Elsewhere(OrderDetails):
    """Its keys do not end as its streams do."""

    def key_of(self, stream: str) -> str:
        return f"{super().key_of(stream)}!1"


async def test_keys_that_end_unlike_their_streams_when_replayed_in_shares_then_it_is_refused(
    shop,
):
    generation = await shop.documents.create_generation(ORDERS.document_type, "print")
    identity, head = await shop.events.identity(), await shop.events.head()
    replay = Replay(NAME, generation, identity, head, page_size=10)
    with pytest.raises(ReadStoreError, match="by one process only"):
        await replay_share(
            shop.events, shop.documents, Elsewhere(), replay, Share(0, 2), lambda _: None
        )
    other = replace(replay, store="another")
    with pytest.raises(EventStoreUnavailable, match="not the store"):
        await replay_share(shop.events, shop.documents, ORDERS, other, Share(0, 2), lambda _: None)


@pytest.mark.parametrize("projector", PROJECTORS.values(), ids=lambda it: it.name)
def test_documents_of_every_projection_are_in_the_share_of_their_stream(projector):
    streams = [f"{category}-{end}" for category in projector.categories for end in IDS]
    for stream in streams:
        key = projector.key_of(stream)
        shares = [Share(number, 16) for number in range(16)]
        assert sum(share.holds(stream) for share in shares) == 1
        if key is not None:
            assert [one.holds(stream) for one in shares] == [one.holds(key) for one in shares]
