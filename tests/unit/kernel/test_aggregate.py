from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import IdempotencyKeyReused
from contracts.events.inventory import StockReceived
from contracts.metadata import Idempotency
from event_store.port import NO_VERSION
from tests.support.aggregates import AT, ID
from write_side.inventory.stock_item import StockItem
from write_side.kernel.aggregate import (
    REMEMBERED_KEYS,
    Aggregate,
    dump_state,
    restore_state,
    state_fingerprint,
)
from write_side.sales.order import Order
from write_side.sales.product import Product


def test_a_blank_one_stands_for_what_does_not_exist_yet():
    item = StockItem.blank(ID)
    assert not item.exists
    assert item.version == NO_VERSION
    assert item.stream == f"stock-{ID}"


def test_blank_ones_share_nothing():
    one, other = StockItem.blank(ID), StockItem.blank(ID)
    one.receive(1, "main", at=AT)
    assert other.on_hand == {}
    one.keep(Idempotency("k", "f"), 0)
    assert other.answered == {}


def test_the_first_event_has_version_0_and_each_next_one_more():
    item = StockItem.blank(ID)
    for _ in range(3):
        item.receive(1, "main", at=AT)
    assert [event.originator_version for event in item.collect_events()] == [0, 1, 2]
    assert item.version == 2
    assert item.collect_events() == []


def test_business_time_never_goes_back_within_a_stream():
    item = StockItem.blank(ID)
    item.receive(1, "main", at=AT)
    item.receive(1, "main", at=AT - timedelta(days=1))
    item.receive(1, "main", at=AT + timedelta(seconds=1))
    times = [event.timestamp for event in item.collect_events()]  # pyright: ignore
    assert times == [AT, AT, AT + timedelta(seconds=1)]


def test_the_first_event_may_be_of_any_time():
    item = StockItem.blank(ID)
    long_ago = datetime(1, 1, 1, tzinfo=UTC)
    item.receive(1, "main", at=long_ago)
    assert item.modified_on == long_ago


def test_an_event_of_another_aggregate_is_not_followed():
    event = StockReceived(
        originator_id=ID, originator_version=0, timestamp=AT, location="main", quantity=1
    )
    with pytest.raises(TypeError, match="an order does not know StockReceived"):
        event.mutate(Order.blank(ID))
    with pytest.raises(TypeError, match="a product does not know StockReceived"):
        event.mutate(Product.blank(ID))


def test_an_unknown_event_only_moves_version_and_time():
    item = StockItem.blank(ID)
    item.pass_over(0, AT)
    item.receive(3, "main", at=AT - timedelta(days=1))
    (event,) = item.collect_events()
    assert event.originator_version == 1
    assert item.modified_on == AT


class TestAnswers:
    def test_no_key_has_no_earlier_answer(self):
        item = StockItem.blank(ID)
        item.keep(Idempotency("k", "f"), 0)
        assert item.earlier_answer(None, None) is None
        assert item.earlier_answer("other", "f") is None

    def test_the_same_key_and_request_has_its_answer(self):
        item = StockItem.blank(ID)
        item.keep(Idempotency("k", "f", {"item_id": "i"}), 7)
        answer = item.earlier_answer("k", "f")
        assert answer is not None
        assert (answer.version, answer.ids) == (7, {"item_id": "i"})

    def test_the_same_key_with_another_request_is_refused(self):
        item = StockItem.blank(ID)
        item.keep(Idempotency("k", "f"), 0)
        with pytest.raises(IdempotencyKeyReused):
            item.earlier_answer("k", "g")

    def test_only_the_newest_keys_are_remembered(self):
        item = StockItem.blank(ID)
        for number in range(REMEMBERED_KEYS + 1):
            item.keep(Idempotency(str(number), "f"), number)
        assert REMEMBERED_KEYS == 64
        assert item.earlier_answer("0", "f") is None
        assert item.earlier_answer("1", "f") is not None
        assert len(item.answered) == REMEMBERED_KEYS

    def test_of_several_events_of_one_command_the_last_version_counts(self):
        item = StockItem.blank(ID)
        item.keep(Idempotency("k", "f"), 3)
        item.keep(Idempotency("k", "f"), 4)
        answer = item.earlier_answer("k", "f")
        assert answer is not None
        assert answer.version == 4


class TestState:
    def test_it_comes_back_whole(self):
        item = StockItem.blank(ID)
        item.receive(9, "main", at=AT)
        item.reserve("o1", 3, 4, at=AT)
        item.release("o2", 1, at=AT)
        item.issue("o1", at=AT + timedelta(microseconds=1))
        item.keep(Idempotency("k", "f", {"a": "b"}), 2)
        item.collect_events()
        restored = StockItem.blank(ID)
        restore_state(restored, item.version, dump_state(item))
        assert restored == item
        assert list(restored.fences) == list(item.fences)

    @pytest.mark.parametrize("broken", [b"", b"{}", b'{"modified_on":"2026-01-05T10:00:00Z"}'])
    def test_a_broken_one_leaves_the_aggregate_blank(self, broken: bytes):
        item = StockItem.blank(ID)
        with pytest.raises(Exception, match=r"truncated|missing"):
            restore_state(item, 5, broken)
        assert item == StockItem.blank(ID)

    def test_the_fingerprint_is_that_of_the_shape(self):
        class Box(Aggregate):
            CATEGORY = "stock"
            NAME = "box"
            width: int = 0

        narrow = state_fingerprint(Box)

        class Box(Aggregate):
            CATEGORY = "stock"
            NAME = "box"
            width: int = 0

        same = state_fingerprint(Box)

        class Box(Aggregate):
            CATEGORY = "stock"
            NAME = "box"
            width: int = 0
            labels: dict[str, int] = field(default_factory=dict)

        assert narrow == same
        assert narrow != state_fingerprint(Box)
        assert len({state_fingerprint(kind) for kind in (Order, Product, StockItem)}) == 3
