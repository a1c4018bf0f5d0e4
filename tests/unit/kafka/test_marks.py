"""Marks as they are written, and what becomes of them when partitions have become more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.registry import PUBLISHED
from event_store.kafka.errors import MalformedRecord
from event_store.kafka.marks import decode_mark, mark_record
from event_store.kafka.topics import Topics
from event_store.partitions import Mark, Partition
from event_store.port import Position

TOPICS = Topics("shop.", counts=dict.fromkeys(PUBLISHED, 3))
MORE = replace(TOPICS, counts={**TOPICS.counts, "order": 4})
AT = datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC)
LAST = {Partition("order", 3, 0): Position("05"), Partition("stock", 3, 2): Position("04")}


def reread(mark: Mark, topics: Topics) -> Mark:
    record = mark_record(mark, "a relay", TOPICS, AT)
    return decode_mark(record.value, record.timestamp, topics).mark


def test_mark_when_written_then_it_can_be_read_again():
    mark = Mark("a store", Position("07"), LAST)
    record = mark_record(mark, "a relay", TOPICS, AT)
    read = decode_mark(record.value, record.timestamp, TOPICS)
    assert (record.topic, record.partition) == ("shop.relay-marks", 0)
    assert (read.mark, read.relay, read.written_at) == (mark, "a relay", AT)


def test_more_partitions_when_a_mark_is_read_then_each_may_have_an_event_up_to_it():
    read = reread(Mark("a store", Position("07"), LAST), MORE)
    expected = {partition: Position("07") for partition in MORE.partitions_of("order")}
    assert read.last == {**expected, Partition("stock", 3, 2): Position("04")}


def test_more_partitions_of_a_merged_store_then_positions_are_of_the_own_store():
    read = reread(Mark("a", Position("inventory=i9;sales=s7"), {}), MORE)
    assert set(read.last.values()) == {"s7"}


def test_more_partitions_of_a_store_with_nothing_yet_then_none_has_an_event():
    assert reread(Mark("a", Position("inventory=i9"), {}), MORE).last == {}


def test_category_that_the_writer_did_not_know_then_its_partitions_may_have_events():
    mark = Mark("a store", Position("07"), LAST)
    value = mark_record(mark, "a relay", TOPICS, AT).value.replace(b'"user":3', b'"other":3')
    read = decode_mark(value, 0, TOPICS).mark
    assert [read.last.get(partition) for partition in TOPICS.partitions_of("user")] == ["07"] * 3
    assert {it: read.last[it] for it in LAST} == LAST


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff"])
def test_something_else_when_read_then_it_is_malformed(value: bytes):
    with pytest.raises(MalformedRecord):
        decode_mark(value, 0, TOPICS)
