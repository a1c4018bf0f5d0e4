"""How published events are split: each category has a topic, each topic its partitions.

All events of a stream are in one partition, in order. One process at a time owns a partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from event_store.port import Position, RecordedEvent


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One of `of` partitions of a category's topic; `number` counts from 0."""

    category: str
    of: int
    number: int

    def __str__(self) -> str:
        """As checkpoints name it: `order/3/6`."""
        return f"{self.category}/{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Partition | None:
        """The partition of that name; None if it names none."""
        category, *numbers = text.split("/")
        if len(numbers) != 2 or not all(it.isascii() and it.isdigit() for it in numbers):
            return None
        return cls(category, int(numbers[1]), int(numbers[0]))


PartitionOf = Callable[[str], Partition | None]
"""The partition that a stream's events are published in; None: they are not published."""

NumberOf = Callable[[str, int], int]
"""The number of the partition, of so many, that a stream's events are published in."""


@dataclass(frozen=True, slots=True)
class Published:
    """An event as the relay published it, and what tells whether anything before it is missing.

    `partition` is as the relay reckoned when it published: if the topic was given more partitions
    since, it is one that nobody owns now, and the event is left to the event store. `store` is the
    identity of the event's own store: after a restore, topics still hold events that no store has.

    Between `previous` and the event, no other event of the partition has its
    position: it is that of the event before it, or a later one (such as the relay's mark when
    the number of partitions changed). None: no event of the partition comes before it.
    """

    event: RecordedEvent
    partition: Partition
    store: str
    previous: Position | None


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the relay has published: all events up to `position` of the store `store`.

    Positions and identity are composite where several stores are read as one; those in `last`
    are of that category's own store: of the last event in each partition, or a later one that
    is not beyond the mark. A partition that is not named holds no event up to `position`.
    """

    store: str
    position: Position
    last: Mapping[Partition, Position]


class PartitionHandler(Protocol):
    """Does something with the published events of the partitions that this process owns.

    Calls come one after another, except `published`, which may come at any time.
    """

    async def own(self, partitions: frozenset[Partition]) -> None:
        """These partitions, and no others, are this process's from now on; returns at once.

        What was published of them before is not delivered: the handler reads it from the event
        store, from where it has been.
        """
        ...

    async def handle(self, events: Sequence[Published]) -> None:
        """Return when what the events bring about is durable, or their streams are parked.

        Waits out every trouble of the infrastructure; events of a partition are in order, and
        may come again, also those of an aborted transaction. Some may never come: `previous`
        and the marks tell, and the handler reads them from the event store, as it does with any
        that it leaves out because it stands still or has not come that far. Once it has
        returned, the events are not delivered again in general.
        """
        ...

    def published(self, mark: Mark) -> None:
        """The relay has come this far."""
        ...
