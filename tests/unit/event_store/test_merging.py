"""Pages of several stores, merged: nothing lost or repeated, in order as far as that is known."""

from __future__ import annotations

import asyncio
import gc
import warnings
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.registry import CONTEXTS
from event_store.errors import InvalidPosition
from event_store.merged import MergedEventStore
from event_store.merging import composed, merged, places_in
from event_store.port import Page, Position, RecordedEvent
from event_store.positions import number_of, position_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NAMES = ("inventory", "sales", "users")
TIMES = st.lists(st.integers(0, 9), max_size=8)
STORES = st.fixed_dictionaries(dict.fromkeys(NAMES, TIMES))


def history(name: str, times: list[int]) -> list[RecordedEvent]:
    """A store's events, recorded at these seconds in this order."""
    return [
        RecordedEvent(
            UUID(int=number),
            f"{name}-1",
            number,
            "Happened",
            b"{}",
            b"{}",
            position_of(number + 1),
            NOON + timedelta(seconds=second),
        )
        for number, second in enumerate(times)
    ]


def page_of(events: list[RecordedEvent], after: Position | None, limit: int) -> Page:
    """A page as a store gives it."""
    left = events[number_of(after) :]
    if len(left) > limit:
        return Page(left[:limit], left[limit - 1].position, at_end=False)
    return Page(left, position_of(len(events)), at_end=True)


def read(stores: dict[str, list[RecordedEvent]], limits: list[int]) -> list[RecordedEvent]:
    """All events, read by pages of these sizes in turn."""
    found: list[RecordedEvent] = []
    position: Position | None = None
    for turn in range(1_000):
        limit = limits[turn % len(limits)]
        places = places_in(position, NAMES)
        pages = {name: page_of(events, places[name], limit) for name, events in stores.items()}
        page = merged(pages, places, limit)
        assert len(page.events) <= limit
        found += page.events
        position = page.position
        if page.at_end:
            assert position == composed({n: position_of(len(it)) for n, it in stores.items()})
            return found
        assert page.events
    raise AssertionError("it never ends")


@settings(max_examples=200)
@given(STORES, st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_stores_when_their_clocks_differ_or_go_back_then_all_events_come_once_in_their_own_order(
    times, limits
):
    stores = {name: history(name, it) for name, it in times.items()}
    found = read(stores, limits)
    for name, events in stores.items():
        assert [event for event in found if event.stream == f"{name}-1"] == events
    assert len(found) == sum(len(events) for events in stores.values())


@settings(max_examples=200)
@given(STORES, st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_stores_when_their_clocks_go_forward_then_events_are_in_order_of_time_and_store(
    times, limits
):
    stores = {name: history(name, sorted(it)) for name, it in times.items()}
    found = read(stores, limits)
    order = [(event.recorded_at, event.stream, event.position) for event in found]
    assert order == sorted(order)


def test_page_when_a_part_was_not_read_to_its_end_then_it_ends_before_what_is_not_known():
    late = history("sales", [5, 6])
    early = history("users", [1, 2, 9])
    pages = {
        "sales": page_of(late, None, 10),
        "users": Page(early[:2], early[1].position, at_end=False),
    }
    page = merged(pages, dict.fromkeys(NAMES), 10)
    assert page.events == early[:2]
    assert not page.at_end
    assert page.position == composed({"inventory": None, "sales": None, "users": early[1].position})


def test_page_when_a_part_passed_over_others_then_its_place_has_moved():
    pages = {
        "sales": Page([], position_of(700), at_end=False),
        "users": page_of(history("users", [1]), None, 10),
    }
    page = merged(pages, dict.fromkeys(NAMES), 10)
    assert list(page.events) == []
    assert places_in(page.position, NAMES)["sales"] == position_of(700)
    assert not page.at_end


@pytest.mark.parametrize(
    "position",
    [
        "",
        "00000000000000000001",
        "sales=1;users=1",
        "inventory=1;other=1;sales=1;users=1",
        "users=1;sales=1;inventory=1",
        "inventory=1;sales=1;users=1;users=2",
    ],
)
def test_position_when_it_is_of_other_stores_then_it_is_refused(position):
    with pytest.raises(InvalidPosition):
        places_in(Position(position), NAMES)


class Slow:
    async def check(self) -> None:
        await asyncio.Event().wait()


async def test_stores_when_given_up_before_any_is_asked_then_nothing_is_left_over():
    stores = MergedEventStore({context: Slow() for context in CONTEXTS})
    with warnings.catch_warnings(record=True) as left_over:
        warnings.simplefilter("always")
        task = asyncio.create_task(stores.check())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gc.collect()
    assert not left_over
