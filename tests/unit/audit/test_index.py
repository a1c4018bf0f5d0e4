"""The order of events, cursors, and trees."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from read_side.audit import index
from read_side.audit.consequences import MOST_EVENTS, follow, trees_of
from read_side.audit.cursors import make_cursor, read_cursor
from read_side.audit.index import find, place_of
from read_side.port import AnyOf, Between, Found, InvalidCursor, Search


def indexed(number: int, at: int, store: str = "s", cause: str = "", stream: str = "order-1"):
    return {
        "event_id": f"{number}",
        "stream": stream,
        "recorded_at": f"{at:04}",
        "store": store,
        "position": f"{number:04}",
        "causation_id": cause,
    }


class FakeIndex:
    """Sorts by time only; events of one time come in any order, as keys have it."""

    def __init__(self, events: Sequence[dict[str, Any]]) -> None:
        self.events = sorted(events, key=lambda one: (one["recorded_at"], one["event_id"][::-1]))

    async def search(self, projection: str, search: Search) -> Found:
        found = [one for one in self.events if all(_meets(one, c) for c in search.conditions)]
        first = int(search.cursor or 0)
        after = first + search.limit
        return Found(found[first:after], str(after) if len(found) > after else None)


def _meets(event: dict[str, Any], condition: Any) -> bool:
    if isinstance(condition, AnyOf):
        return event[condition.field] in condition.values
    assert isinstance(condition, Between)
    return event[condition.field] >= (condition.at_least or "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    times=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("st")), max_size=25),
    limit=st.integers(1, 6),
    batch=st.integers(1, 5),
)
async def test_pages_of_any_size_show_each_event_once_and_in_order(times, limit, batch):
    events = [indexed(number, at, store) for number, (at, store) in enumerate(times)]
    documents = FakeIndex(events)
    shown: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_BATCH", batch)
        while page := await find(
            documents, [], limit=limit, after=place_of(shown[-1]) if shown else None
        ):
            assert len(page) <= limit
            shown += page
    assert shown == sorted(events, key=place_of)


async def test_streams_that_are_not_published_are_left_out_of_what_is_found():
    streams = ["order-1", "email-1", "credential-1", "sku_mapping-1", "unknown-1", "user-1"]
    events = [indexed(n, n, stream=stream) for n, stream in enumerate(streams)]
    found = await find(FakeIndex(events), [], limit=10)
    assert [one["stream"] for one in found] == ["order-1", "user-1"]


async def test_consequences_are_followed_step_by_step_and_not_without_end():
    events = [indexed(0, 0), indexed(1, 1, cause="0"), indexed(2, 2, cause="1"),
              indexed(3, 3, cause="0"), indexed(4, 4, cause="9")]  # fmt: skip
    found = await follow(FakeIndex(events), ["0"])
    assert [one["event_id"] for one in found.events] == ["1", "3", "2"]
    assert not found.truncated
    many = [indexed(n, n, cause="root") for n in range(MOST_EVENTS + 1)]
    assert not (await follow(FakeIndex(many[:-1]), ["root"])).truncated
    cut = await follow(FakeIndex(many), ["root"])
    assert (len(cut.events), cut.truncated) == (MOST_EVENTS, True)
    circle = [indexed(1, 1, cause="2"), indexed(2, 2, cause="1")]
    around = await follow(FakeIndex(circle), ["1"])
    assert ([one["event_id"] for one in around.events], around.truncated) == (["2"], False)
    chain = [indexed(n + 1, n, cause=f"{n}") for n in range(60)]
    assert (await follow(FakeIndex(chain), ["0"])).truncated


def test_trees_hold_every_entry_once_whatever_the_order():
    entries = [{"event_id": str(n), "causation_id": str(n // 2)} for n in range(1, 20)]
    for seed in range(5):
        random.Random(seed).shuffle(entries)
        trees = trees_of(entries)
        assert [tree["event_id"] for tree in trees] == ["1"]
        assert sorted(ids_in(trees)) == sorted(entry["event_id"] for entry in entries)
    circle = [{"event_id": "1", "causation_id": "2"}, {"event_id": "2", "causation_id": "1"},
              {"event_id": "3", "causation_id": "3"}]  # fmt: skip
    assert sorted(ids_in(trees_of(circle))) == ["1", "2", "3"]


def ids_in(trees) -> list[str]:
    return [one for tree in trees for one in (tree["event_id"], *ids_in(tree["consequences"]))]


def test_a_cursor_is_good_for_its_own_question_only():
    cursor = make_cursor("a", ("1", "2"))
    assert read_cursor("a", cursor, 2) == ("1", "2")
    for question, text, length in (
        ("b", cursor, 2), ("a", cursor, 1), ("a", cursor + "=", 2), ("a", "", 2), ("a", "x", 2),
        ("a", "é", 2), ("a", "A" * 5000, 2), ("a", cursor[:-1], 2), ("a", "bnVsbA", 2),
    ):  # fmt: skip
        with pytest.raises(InvalidCursor):
            read_cursor(question, text, length)
