"""What policies remember goes along: how far they are, and which streams are parked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bootstrap.container import open_container
from contracts.parked import ParkedStream
from event_store.port import Position
from tests.contract.event_store.support import page_through
from tests.integration.migration.conftest import Installation, caught_up
from write_side.inventory.policies import SoftReservation
from write_side.users.policies import SettleEmailClaims

POLICIES = (SoftReservation.NAME, SettleEmailClaims.NAME)
PARKED = ParkedStream(
    SoftReservation.NAME, "order-1", 3, uuid4(), "it broke", datetime(2026, 1, 5, tzinfo=UTC)
)
ENTRIES = [
    PARKED,
    replace(PARKED, stream="order-2", request="retry"),
    replace(PARKED, stream="order-3", request="discard", reason="made by a bug"),
]


async def checkpoints(at: Installation) -> dict[str, Any]:
    async with at.events() as store:
        return {name: await store.load_checkpoint(name) for name in POLICIES}


async def test_a_policy_goes_on_behind_the_same_event(
    shop: Installation, other: Installation, uri: str
):
    """Wherever it was; back in a file it is where it was before."""
    async with shop.events() as source:
        events = await page_through(source, after=None, limit=500)
        await source.save_checkpoint(POLICIES[0], events[6].position)
        await source.save_checkpoint(POLICIES[1], events[-1].position)
    move = await shop.migrate(uri)
    there = await checkpoints(shop.on(uri))
    assert move.migrated.checkpoints == there
    async with shop.on(uri).events() as target:
        page = await target.read_all(after=there[POLICIES[0]], limit=1)
        assert page.events[0].id == events[7].id
        assert (await target.read_all(after=there[POLICIES[1]], limit=1)).events == []
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert await checkpoints(other) == await checkpoints(shop)


async def test_a_policy_beyond_all_events_goes_on_behind_the_last(
    shop: Installation, uri: str, other: Installation
):
    """Positions of EventStoreDB are not all those of events."""
    await shop.migrate(uri)
    async with shop.on(uri).events() as target:
        head = await target.head()
        assert (await target.read_all(after=head, limit=1)).events == []
        events = await page_through(target, after=None, limit=500)
        assert events[-1].position < head
        await target.save_checkpoint(POLICIES[0], head)
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert (await checkpoints(other))[POLICIES[0]] == f"{len(events):020}"


async def test_a_policy_that_never_ran_begins_at_the_beginning(
    shop: Installation, other: Installation, uri: str
):
    async with shop.events() as source:
        for name in POLICIES:
            await source.save_checkpoint(name, Position("0" * 20))
    await shop.migrate(uri)
    assert set((await checkpoints(shop.on(uri))).values()) == {None}


async def test_parked_streams_go_along_with_what_was_asked_for_them(
    shop: Installation, other: Installation, uri: str
):
    async with shop.events() as source:
        for entry in ENTRIES:
            await source.park(entry)
    move = await shop.migrate(uri)
    assert move.migrated.parked == len(ENTRIES)
    async with shop.on(uri).events() as target:
        assert await target.parked() == ENTRIES
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    async with other.events() as store:
        assert await store.parked() == ENTRIES


async def test_what_is_not_parked_any_more_is_not_parked_in_a_file_brought_up_to_date(
    shop: Installation, uri: str
):
    async with shop.events() as source:
        for entry in ENTRIES:
            await source.park(entry)
    await shop.migrate(uri)
    async with shop.on(uri).events() as target:
        await target.unpark(PARKED.subscriber, "order-2")
    await shop.on(uri).migrate("sqlite")
    async with shop.events() as source:
        assert await source.parked() == [ENTRIES[0], ENTRIES[2]]


async def test_policies_have_nothing_to_do_again(shop: Installation, uri: str):
    """They are at the end before and after, and appended nothing."""
    await shop.migrate(uri)
    before = await checkpoints(shop.on(uri))
    async with shop.on(uri).events() as target:
        events = await page_through(target, after=None, limit=500)
    assert before[POLICIES[0]] == events[-1].position
    async with open_container(shop.on(uri).settings) as container:
        await caught_up(container)
        assert await page_through(container.events, after=None, limit=500) == events
