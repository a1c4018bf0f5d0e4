"""Subscriptions: history, then live, with no gap and no repeat."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from event_store.composite import covers, part_for
from event_store.errors import InvalidPosition
from event_store.port import Position, StreamState
from tests.contract.event_store.support import (
    event,
    follow,
    ids,
    page_through,
    some,
    unique,
    unique_category,
)

NONE, ANY = StreamState.NO_STREAM, StreamState.ANY


class SubscribeContract:
    async def test_nothing_to_read_is_one_delivery_that_is_caught_up(self, store, start):
        async with aclosing(store.subscribe(after=start)) as deliveries:
            first = await anext(deliveries)
            assert list(first.events) == []
            assert first.caught_up
            waiting = asyncio.ensure_future(anext(deliveries))
            stream = unique()
            appended = await store.append(stream, [event()], expected=NONE)
            second = await waiting
            assert part_for(second.position, stream) == appended.position
            assert second.caught_up

    @pytest.mark.parametrize("batch", [1, 2, 500])
    async def test_history_comes_in_batches_and_the_last_is_caught_up(self, store, start, batch):
        stream, events = unique(), some(5)
        appended = await store.append(stream, events, expected=NONE)
        found, sizes, caught_up = [], [], False
        async with aclosing(store.subscribe(after=start, batch=batch)) as deliveries:
            while not caught_up:
                delivery = await anext(deliveries)
                found += delivery.events
                sizes.append(len(delivery.events))
                caught_up = delivery.caught_up
        assert ids(found) == ids(events)
        assert max(sizes) <= batch
        assert part_for(delivery.position, stream) == appended.position

    async def test_live_events_come_after_history(self, store, start):
        stream, history, live = unique(), some(2), some(3)
        await store.append(stream, history, expected=NONE)
        async with aclosing(store.subscribe(after=start)) as deliveries:
            found = list((await anext(deliveries)).events)
            for version, new in enumerate(live, start=1):
                await store.append(stream, [new], expected=version)
                found += (await anext(deliveries)).events
        assert ids(found) == ids(history + live)

    async def test_subscription_resumes_after_the_position_of_a_delivery(self, store, start):
        events = some(6)
        await store.append(unique(), events, expected=NONE)
        async with aclosing(store.subscribe(after=start, batch=2)) as deliveries:
            seen = await anext(deliveries)
        rest = await follow(store, 4, after=seen.position)
        assert ids([*seen.events, *rest]) == ids(events)

    async def test_subscription_resumes_after_a_restart(self, store, start, backend):
        events = some(4)
        await store.append(unique(), events, expected=NONE)
        async with aclosing(store.subscribe(after=start, batch=3)) as deliveries:
            seen = await anext(deliveries)
        again = await backend.restart()
        assert ids(await follow(again, 1, after=seen.position)) == ids(events[3:])

    async def test_filtered_subscription_gets_its_category_and_progresses_past_others(
        self, store, start, backend
    ):
        mine, at_once = unique_category(), backend.capabilities.passes_over_at_once
        async with aclosing(store.subscribe(after=start, categories=[mine])) as deliveries:
            first = await anext(deliveries)
            stream = unique()
            other = await store.append(stream, some(3 if at_once else 100), expected=NONE)
            passed = await anext(deliveries)
            assert list(passed.events) == []
            assert part_for(passed.position, stream) >= other.position or not at_once
            assert not covers(first.position, passed.position)
            assert passed.caught_up or not at_once
            new = event()
            await store.append(f"{mine}-1", [new], expected=NONE)
            while not (delivery := await anext(deliveries)).events:
                assert not covers(passed.position, delivery.position)
            assert ids(delivery.events) == [new.id]

    async def test_switch_to_live_under_concurrent_writers_has_no_gap_and_no_repeat(
        self, store, start
    ):
        await store.append(unique(), some(300), expected=NONE)
        streams = [unique() for _ in range(8)]

        async def writer(stream: str) -> None:
            for version in range(40):
                await store.append(stream, some(1 + version % 2), expected=ANY)

        total = 300 + 8 * 60
        subscribers = [
            asyncio.ensure_future(follow(store, total, after=start, batch=batch))
            for batch in (1, 7, 500)
        ]
        await asyncio.gather(*(writer(stream) for stream in streams))
        everything = [entry.position for entry in await page_through(store, after=start, limit=99)]
        assert len(everything) == total
        for subscriber in subscribers:
            seen = await asyncio.wait_for(subscriber, timeout=20)
            assert [entry.position for entry in seen] == everything

    async def test_two_openings_of_one_store_see_each_others_events(self, store, start, backend):
        other = await backend.open()
        async with aclosing(store.subscribe(after=start)) as deliveries:
            await anext(deliveries)
            for version in range(3):
                appended = await other.append("order-shared", [event()], expected=version - 1)
                delivery = await asyncio.wait_for(anext(deliveries), timeout=5)
                assert part_for(delivery.position, "order-shared") == appended.position

    async def test_closed_subscription_leaves_the_store_alone(self, store, start):
        async with aclosing(store.subscribe(after=start)) as deliveries:
            await anext(deliveries)
        await store.append(unique(), [event()], expected=NONE)
        assert len(await page_through(store, after=start, limit=10)) == 1

    async def test_what_is_no_position_is_refused(self, store):
        async with aclosing(store.subscribe(after=Position("nowhere"))) as deliveries:
            with pytest.raises(InvalidPosition):
                await anext(deliveries)
