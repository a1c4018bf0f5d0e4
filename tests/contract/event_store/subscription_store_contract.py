"""What subscribers remember: checkpoints and parked streams."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.parked import ParkedStream
from event_store.composite import covers
from event_store.errors import InvalidPosition
from event_store.port import Position, StreamState
from tests.contract.event_store.support import event, some, unique

NOON = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)


def parked_stream(subscriber: str, stream: str | None = None, minutes: int = 0) -> ParkedStream:
    when = NOON + timedelta(minutes=minutes)
    return ParkedStream(subscriber, stream or unique(), 7, uuid4(), "ValueError: no", when)


class SubscriptionStoreContract:
    @pytest.fixture
    def name(self):
        return f"policy {uuid4()}"

    async def test_no_checkpoint_at_first(self, store, name):
        assert await store.load_checkpoint(name) is None

    async def test_last_checkpoint_is_kept_over_a_restart(self, store, backend, name):
        await store.append(unique(), [event()], expected=StreamState.NO_STREAM)
        first = await store.head()
        await store.append(unique(), some(2), expected=StreamState.NO_STREAM)
        second = await store.head()
        assert not covers(first, second)
        await store.save_checkpoint(name, first)
        await store.save_checkpoint(name, second)
        assert await store.load_checkpoint(name) == second
        assert await store.load_checkpoint(f"{name} too") is None
        assert await (await backend.restart()).load_checkpoint(name) == second

    async def test_position_of_a_page_of_nothing_can_be_a_checkpoint(self, store, name):
        page = await store.read_all(categories=[])
        await store.save_checkpoint(name, page.position)
        assert await store.load_checkpoint(name) == page.position

    async def test_what_is_no_position_is_refused(self, store, name):
        with pytest.raises(InvalidPosition):
            await store.save_checkpoint(name, Position("nowhere"))
        assert await store.load_checkpoint(name) is None

    async def test_nothing_is_parked_at_first(self, store, name):
        assert list(await store.parked(name)) == []

    async def test_parked_streams_are_listed_oldest_first(self, store, backend, name):
        later, earlier = parked_stream(name, minutes=5), parked_stream(name)
        foreign = parked_stream(f"{name} too")
        for entry in (later, earlier, foreign):
            await store.park(entry)
        assert list(await store.parked(name)) == [earlier, later]
        assert foreign in await store.parked()
        assert list(await (await backend.restart()).parked(name)) == [earlier, later]

    async def test_parking_again_replaces(self, store, name):
        entry = parked_stream(name)
        await store.park(entry)
        await store.request(entry.id, "retry")
        further = replace(entry, version=9, event_id=uuid4(), error="KeyError: x")
        await store.park(further)
        assert list(await store.parked(name)) == [further]

    async def test_unparked_stream_is_forgotten(self, store, name):
        one, other = parked_stream(name), parked_stream(name, minutes=1)
        await store.park(one)
        await store.park(other)
        await store.unpark(name, one.stream)
        await store.unpark(name, one.stream)
        assert list(await store.parked(name)) == [other]

    async def test_request_is_noted_on_its_entry_only(self, store, name):
        one, other = parked_stream(name), parked_stream(name, minutes=1)
        await store.park(one)
        await store.park(other)
        assert await store.request(one.id, "discard", "sent by mistake")
        assert list(await store.parked(name)) == [
            replace(one, request="discard", reason="sent by mistake"),
            other,
        ]

    async def test_later_request_replaces_an_earlier_one(self, store, name):
        entry = parked_stream(name)
        await store.park(entry)
        await store.request(entry.id, "discard", "sent by mistake")
        assert await store.request(entry.id, "retry")
        assert list(await store.parked(name)) == [replace(entry, request="retry")]

    async def test_request_for_what_is_not_parked_says_so(self, store, name):
        assert not await store.request(f"{name}:order-1", "retry")
