"""The topics that events are published to: what they are called and how they are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from contracts.registry import PUBLISHED, category_of, id_of
from event_store.kafka.partitioner import partition_number
from event_store.partitions import Partition

_EVENTS = "-events"


@dataclass(frozen=True, slots=True)
class Topics:
    """Names and properties of the topics: one for each published category, one for the marks.

    `partitions` is for topics yet to be made. Those that are there have the `counts` that
    `event_store.kafka.admin.prepare` finds, which is what decides where an event belongs.
    """

    prefix: str = ""
    partitions: int = 6
    replication: int = 1
    retention_hours: float = 7 * 24
    """0: for good."""
    compression: str = "lz4"
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many partitions the topic of a category has."""

    @property
    def marks(self) -> str:
        """The topic in which the relay says how far it has come."""
        return f"{self.prefix}relay-marks"

    @property
    def of_events(self) -> tuple[str, ...]:
        """The topics of all published categories."""
        return tuple(self.topic_of(category) for category in PUBLISHED)

    def topic_of(self, category: str) -> str:
        """The topic of a category's events."""
        return f"{self.prefix}{category}{_EVENTS}"

    def category_of_topic(self, topic: str) -> str | None:
        """The category whose events the topic holds; None if it is no topic of events."""
        if topic.startswith(self.prefix) and topic.endswith(_EVENTS):
            category = topic[len(self.prefix) : -len(_EVENTS)]
            return category if category in PUBLISHED else None
        return None

    def count_of(self, category: str) -> int:
        """How many partitions the category's topic has."""
        return self.counts.get(category, self.partitions)

    def partitions_of(self, category: str) -> tuple[Partition, ...]:
        """All partitions of the category's topic."""
        of = self.count_of(category)
        return tuple(_partition(category, of, number) for number in range(of))

    def partition_of(self, stream: str) -> Partition | None:
        """The partition that the stream's events are published in; None: they are not published."""
        category = category_of(stream)
        if category not in PUBLISHED:
            return None
        return _partition_of(category, self.counts.get(category, self.partitions), id_of(stream))


# Events of a stream come near each other: most are found here. Hashing takes 3 µs.
@lru_cache(maxsize=1 << 14)
def _partition_of(category: str, of: int, aggregate_id: str) -> Partition:
    return _partition(category, of, partition_number(key_of(aggregate_id), of))


@lru_cache(maxsize=1 << 12)
def _partition(category: str, of: int, number: int) -> Partition:
    return Partition(category, of, number)


def key_of(aggregate_id: str) -> bytes:
    """The key of an aggregate's records."""
    return aggregate_id.encode()
