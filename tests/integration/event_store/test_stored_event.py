"""Events of rows are the same as events made of their parts."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, astuple, replace
from uuid import uuid4

import pytest

from event_store.errors import EventStoreCorrupt
from event_store.port import NO_VERSION, RecordedEvent
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import event
from tests.support.tampering import change


@pytest.fixture
async def stored(path) -> RecordedEvent:
    return await written(path)


async def written(path) -> RecordedEvent:
    store = await SqliteEventStore.open(path)
    await store.append("order-1", [event()], expected=NO_VERSION)
    (stored,) = await store.read_stream("order-1")
    await store.close()
    return stored


def plain(stored: RecordedEvent) -> RecordedEvent:
    return RecordedEvent(*astuple(stored))


def test_it_is_equal_to_one_made_of_its_parts_both_ways(stored):
    assert stored == plain(stored)
    assert plain(stored) == stored
    assert hash(stored) == hash(plain(stored))
    assert {stored: "found"}[plain(stored)] == "found"


def test_it_differs_where_any_part_differs(stored):
    for name, other in (
        ("id", uuid4()),
        ("stream", "order-2"),
        ("version", 7),
        ("data", b"{}x"),
        ("position", "00000000000000000009"),
    ):
        assert stored != replace(plain(stored), **{name: other})
    assert stored != "something else"


def test_two_of_the_same_row_are_equal(stored):
    assert stored == copy.copy(stored)


async def test_two_of_different_rows_are_not_equal(path):
    assert await written(path) != await written(path.with_name("other.db"))


def test_copies_are_equal(stored):
    assert pickle.loads(pickle.dumps(stored)) == stored
    assert replace(stored) == stored
    assert replace(stored, version=3).version == 3


def test_it_can_not_be_changed(stored):
    for name in ("id", "version", "recorded_at"):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(stored, name, getattr(stored, name))


async def test_a_time_that_is_none_is_said_when_asked_for(path):
    await written(path)
    change(path, "UPDATE events SET recorded_at = 9223372036854775807")
    store = await SqliteEventStore.open(path)
    (stored,) = await store.read_stream("order-1")
    with pytest.raises(EventStoreCorrupt, match="event 0 of order-1 was recorded at no time"):
        stored.recorded_at  # noqa: B018 asking is what fails
    await store.close()
