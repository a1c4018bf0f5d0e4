"""What Kafka holds for a consumer that reads committed transactions only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.registry import PUBLISHED
from tests.end_to_end.system import System

Published = Mapping[str, list[Mapping[str, Any]]]
"""By stream: the values of its records, in the order of their partition."""


async def published(system: System) -> Published:
    """All events in the topics of a system, to the end as it is now."""
    prefix = system.settings["topic_prefix"]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.settings["kafka"],
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in (f"{prefix}{category}-events" for category in PUBLISHED)
            for number in await _partitions(consumer, topic)
        ]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        return await _read(consumer, ends)
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    await consumer._client.force_metadata_update()
    return sorted(consumer.partitions_for_topic(topic) or ())


async def _read(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
) -> Mapping[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    while any([await consumer.position(one) < end for one, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                value = msgspec.json.decode(record.value)
                assert record.key.decode() == value["aggregate_id"]
                category = record.topic.removesuffix("-events").rpartition("-")[2]
                found.setdefault(f"{category}-{value['aggregate_id']}", []).append(value)
    return found
