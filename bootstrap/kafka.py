"""Topics, groups and partitions as the settings name them. Kafka itself is not asked here."""

from __future__ import annotations

from bootstrap.settings import Settings
from contracts.registry import id_of
from event_store.kafka.partitioner import partition_number
from event_store.kafka.topics import Topics, key_of
from event_store.partitions import NumberOf

DEFAULT_PREFIX = ""


def topics_of(settings: Settings) -> Topics:
    """The topics, as they are made where they are missing."""
    return Topics(
        prefix=settings.topic_prefix or DEFAULT_PREFIX,
        partitions=settings.topic_partitions,
        replication=settings.topic_replication,
        retention_hours=settings.topic_retention_hours,
        compression=settings.topic_compression,
    )


def servers_of(settings: Settings) -> str:
    """Kafka's servers.

    Raises:
        LookupError: there are none; see `bootstrap.needs`.
    """
    if settings.kafka is None:
        raise LookupError("ORDERLOG_KAFKA is not set")
    return settings.kafka


def group_of(settings: Settings, name: str) -> str:
    """The consumer group of all processes of this name."""
    return f"{settings.topic_prefix or DEFAULT_PREFIX}{name}"


def number_of_in(settings: Settings) -> NumberOf | None:
    """Tells which partition a stream is in; None where there are none."""
    return None if settings.kafka is None else number_of


def number_of(stream: str, of: int) -> int:
    """The number of the partition, of so many, that the stream's events are published in."""
    return partition_number(key_of(id_of(stream)), of)
