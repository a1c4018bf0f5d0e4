"""Names of topics, and which partition a stream is published in."""

from __future__ import annotations

import pytest

from contracts.registry import CATEGORIES, PUBLISHED
from event_store.kafka.topics import Topics
from event_store.partitions import Partition

TOPICS = Topics("shop.", partitions=6, counts={"order": 12})


def test_topics_when_named_then_as_the_interface_says():
    assert Topics().topic_of("order") == "order-events"
    assert TOPICS.topic_of("order") == "shop.order-events"
    assert TOPICS.marks == "shop.relay-marks"


@pytest.mark.parametrize("category", CATEGORIES)
def test_category_when_asked_for_its_topic_then_only_published_ones_have_one(category: str):
    topic = TOPICS.topic_of(category)
    is_published = category in PUBLISHED
    assert (topic in TOPICS.of_events) == is_published
    assert TOPICS.category_of_topic(topic) == (category if is_published else None)
    assert (TOPICS.partition_of(f"{category}-1") is not None) == is_published


@pytest.mark.parametrize(
    "topic", ["order-events", "shop.order", "shop.-events", "shop.relay-marks"]
)
def test_other_topics_then_they_are_of_no_category(topic: str):
    assert TOPICS.category_of_topic(topic) is None


def test_stream_when_placed_then_by_what_kafka_has_rather_than_by_what_is_wanted():
    assert TOPICS.partition_of("order-1") in TOPICS.partitions_of("order")
    assert len(TOPICS.partitions_of("order")) == 12
    assert TOPICS.partitions_of("stock") == tuple(Partition("stock", 6, n) for n in range(6))


def test_streams_when_placed_then_all_partitions_get_some():
    placed = {TOPICS.partition_of(f"order-{n}") for n in range(500)}
    assert placed == set(TOPICS.partitions_of("order"))
