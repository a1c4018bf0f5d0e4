"""Stock under messages that come in any order, late and more than once."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import Refused
from contracts.events.inventory import StockAdjusted, StockIssued, StockReceived, StockReserved
from tests.support.aggregates import AT, ID
from write_side.inventory.stock_item import StockItem
from write_side.kernel.aggregate import dump_state, restore_state

ORDERS = st.sampled_from(["o1", "o2", "o3"])
PLACES = st.sampled_from(["main", "annex"])
VERSIONS = st.integers(0, 5)
MESSAGES = st.one_of(
    st.tuples(st.just("receive"), st.integers(1, 12), PLACES),
    st.tuples(st.just("adjust"), PLACES, st.integers(0, 15), st.just("counted")),
    st.tuples(st.just("reserve"), ORDERS, VERSIONS, st.integers(0, 12)),
    st.tuples(st.just("reserve"), ORDERS, VERSIONS, st.integers(0, 12)),
    st.tuples(st.just("release"), ORDERS, VERSIONS),
    st.tuples(st.just("issue"), ORDERS),
)
Message = tuple[Any, ...]
quick = settings(max_examples=100, deadline=None)


def deliver(item: StockItem, message: Message, minute: int = 0) -> None:
    verb, *arguments = message
    with suppress(Refused):
        getattr(item, verb)(*arguments, at=AT + timedelta(minutes=minute))


@st.composite
def repeated_and_reordered(draw: st.DrawFn) -> list[Message]:
    messages = draw(st.lists(MESSAGES, max_size=15))
    again = draw(st.lists(st.sampled_from(messages), max_size=10)) if messages else []
    return draw(st.permutations([*messages, *again]))


@quick
@given(repeated_and_reordered())
def test_stock_is_never_negative_and_never_over_reserved(messages: list[Message]):
    item = StockItem.blank(ID)
    for minute, message in enumerate(messages):
        deliver(item, message, minute)
        assert all(on_hand >= 0 for on_hand in item.on_hand.values())
        assert all(quantity > 0 for quantity in item.reservations.values())
        assert 0 <= item.reserved <= item.total


@quick
@given(repeated_and_reordered())
def test_events_account_for_every_piece_and_replay_to_the_same_stock(messages: list[Message]):
    item = StockItem.blank(ID)
    for minute, message in enumerate(messages):
        deliver(item, message, minute)
    happened: list[Any] = list(item.collect_events())
    pieces = 0
    for event in happened:
        match event:
            case StockReceived():
                pieces += event.quantity
            case StockAdjusted():
                pieces += event.counted - event.expected
            case StockIssued():
                assert sum(taken.quantity for taken in event.taken) == event.quantity
                pieces -= event.quantity
            case _:
                pass
    assert pieces == item.total
    replayed, restored = StockItem.blank(ID), StockItem.blank(ID)
    for event in happened:
        event.mutate(replayed)
    restore_state(restored, item.version, dump_state(item))
    assert replayed == item
    assert restored == item


@quick
@given(repeated_and_reordered())
def test_versions_of_an_order_only_go_up_and_nothing_follows_the_issue(messages: list[Message]):
    item = StockItem.blank(ID)
    for minute, message in enumerate(messages):
        deliver(item, message, minute)
    seen: dict[str, int] = {}
    left: set[str] = set()
    for event in item.collect_events():
        order = getattr(event, "order_id", None)
        if order is None:
            continue
        assert order not in left
        if isinstance(event, StockIssued):
            left.add(order)
            continue
        version: int = event.order_version  # pyright: ignore
        strictly = isinstance(event, StockReserved)
        assert version > seen.get(order, -1) if strictly else version >= seen.get(order, -1)
        seen[order] = version


@quick
@given(
    st.lists(
        st.tuples(VERSIONS, st.integers(0, 12)), min_size=1, max_size=6, unique_by=lambda r: r[0]
    ),
    st.data(),
)
def test_reserves_in_any_order_end_as_the_newest_says(
    reserves: list[tuple[int, int]], data: st.DataObject
):
    item = StockItem.blank(ID)
    item.receive(12, "main", at=AT)
    messages = [("reserve", "o1", version, quantity) for version, quantity in reserves]
    again = data.draw(st.lists(st.sampled_from(messages), max_size=6))
    for message in data.draw(st.permutations([*messages, *again])):
        deliver(item, message)
    assert item.reservations.get("o1", 0) == max(reserves)[1]


@quick
@given(
    st.lists(st.tuples(VERSIONS, st.integers(0, 12)), max_size=6),
    st.data(),
)
def test_a_reserve_never_wins_over_the_release_that_followed_it(
    reserves: list[tuple[int, int]], data: st.DataObject
):
    item = StockItem.blank(ID)
    item.receive(12, "main", at=AT)
    release = ("release", "o1", 6)
    messages: list[Message] = [("reserve", "o1", *reserve) for reserve in reserves]
    for message in data.draw(st.permutations([*messages, *messages, release, release])):
        deliver(item, message)
    assert item.reserved == 0
    assert item.fences["o1"].order_version == 6
