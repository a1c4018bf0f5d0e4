"""The base of all events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from eventsourcing.domain import CanMutateAggregate, MetaDomainEvent


@dataclass(frozen=True)
class Event(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """Something that happened to one aggregate, at a version of its stream (0, 1, 2...).

    `timestamp` is business time; it is kept in the metadata, the other own fields are the data.
    """

    TOPIC: ClassVar[str]
    """`<category>.<name>`: what the library knows the class by."""
    CATEGORY: ClassVar[str]
    """The text before the first `-` of the stream's name."""
    SCHEMA_VERSION: ClassVar[int] = 1

    originator_id: str
    originator_version: int
    timestamp: datetime

    def apply(self, aggregate: Any) -> None:
        """Let the aggregate follow."""
        aggregate.follow(self)
