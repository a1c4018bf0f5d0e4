"""What a generation shows, by its checkpoints: the one place where positions are compared.

A checkpoint says that all events of its source up to a position are shown, and stays true for
good. Sources are all events, or single partitions of a category; so of several checkpoints that
speak of a stream the furthest counts. Partitions are of the category's own event store; all events
may be those of several stores read as one, and then a position has a part for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from contracts.registry import CATEGORIES, category_of
from event_store.composite import composed_of, part_for, parts_of, start_after
from event_store.partitions import NumberOf, Partition
from event_store.port import EventStore, Position, RecordedEvent
from read_side.port import Checkpoint, Generation, ProjectionStore

ALL_EVENTS = "all"
"""The checkpoint's source when a projection reads the whole event store in its own order."""
NOTHING = ""
"""The position before all others: nothing is shown yet."""
PAGE = 100
"""Events that are looked at together to find one that is not shown."""


class Shown:
    """What the checkpoints of a generation say.

    Without `number_of`, which partition a stream is in is not known: of its category counts then
    what all partitions show, so that less is said than is true, never more.
    """

    def __init__(
        self, checkpoints: Mapping[str, Checkpoint], number_of: NumberOf | None = None
    ) -> None:
        self._checkpoints = checkpoints
        self._number_of = number_of
        self._partitions: dict[str, dict[int, dict[int, str]]] = {}
        """Positions by category, number of partitions, and number of the partition."""
        for source, checkpoint in checkpoints.items():
            if (one := Partition.parse(source)) is not None:
                counts = self._partitions.setdefault(one.category, {})
                counts.setdefault(one.of, {})[one.number] = checkpoint.position

    @property
    def partitions(self) -> Mapping[str, str]:
        """The positions by partition, as those are written (`order/3/6`)."""
        return {
            source: checkpoint.position
            for source, checkpoint in sorted(self._checkpoints.items())
            if Partition.parse(source) is not None
        }

    def is_of(self, identity: str) -> bool:
        """Whether all checkpoints are positions of this event store."""
        return all(
            it.store == (identity if one is None else part_for(identity, one.category))
            for it in self._checkpoints.values()
            for one in (Partition.parse(it.source),)
        )

    def all_of(self, category: str) -> str:
        """All events of the category up to here are shown."""
        whole = self._checkpoints.get(ALL_EVENTS)
        reached = NOTHING if whole is None else part_for(whole.position, category)
        for of, positions in self._partitions.get(category, {}).items():
            if len(positions) == of:
                reached = max(reached, min(positions.values()))
        return reached

    def all_in(self, partition: Partition) -> str:
        """All events of the partition up to here are shown."""
        numbers = self._partitions.get(partition.category, {}).get(partition.of, {})
        return max(self.all_of(partition.category), numbers.get(partition.number, NOTHING))

    def covers(self, stream: str, position: str) -> bool:
        """Whether the event of that stream at that position is shown for certain, or parked."""
        category = category_of(stream)
        if position <= self.all_of(category):
            return True
        if self._number_of is None:
            return False
        return any(
            position <= positions.get(self._number_of(stream, of), NOTHING)
            for of, positions in self._partitions.get(category, {}).items()
        )

    def are_joined(self, categories: Iterable[str]) -> bool:
        """Whether every partition of these categories has a checkpoint of its own."""
        return all(
            any(len(positions) == of for of, positions in self._partitions.get(one, {}).items())
            for one in categories
        )

    def start(self, identity: str, categories: Iterable[str]) -> Position | None:
        """Where to read these categories on from, to come by all that may not be shown."""
        return start_after(identity, {one: self.all_of(one) for one in categories})

    def end(self, identity: str) -> Position | None:
        """The furthest position that any checkpoint names; None: nothing is shown."""
        if parts_of(identity) is None:
            furthest = max((it.position for it in self._checkpoints.values()), default=NOTHING)
            return Position(furthest) if furthest else None
        furthest_of: dict[str, str] = {}
        for it in self._checkpoints.values():
            one = Partition.parse(it.source)
            for category in CATEGORIES if one is None else (one.category,):
                reached = furthest_of.get(category, NOTHING)
                furthest_of[category] = max(reached, part_for(it.position, category))
        return composed_of(identity, furthest_of, max)


def reached(position: str, head: str, categories: Iterable[str]) -> bool:
    """Whether, of these categories, nothing up to `head` lies beyond the position."""
    return all(part_for(position, one) >= part_for(head, one) for one in categories)


async def what_is_shown(
    store: ProjectionStore, generation: Generation, number_of: NumberOf | None = None
) -> Shown:
    """What the generation shows now.

    Raises:
        ReadStoreUnavailable, UnknownGeneration.
    """
    return Shown(await store.checkpoints(generation), number_of)


async def oldest_missing(
    events: EventStore, shown: Shown, categories: Collection[str]
) -> RecordedEvent | None:
    """The oldest event of these categories that is not shown; None: all are.

    Where many newer ones are shown that lie beyond one partition's checkpoint, it may be one that
    is shown, but none older is missing.

    Raises:
        EventStoreUnavailable, InvalidPosition.
    """
    after = shown.start(await events.identity(), categories)
    page = await events.read_all(after=after, categories=categories, limit=_limit(shown))
    for event in page.events:
        if not shown.covers(event.stream, event.position):
            return event
    return page.events[-1] if page.events and not page.at_end else None


async def shows_all(
    events: EventStore, shown: Shown, categories: Collection[str], head: Position | None
) -> bool:
    """Whether all events of these categories up to the head are shown for certain.

    Raises:
        EventStoreUnavailable, InvalidPosition.
    """
    if head is None:
        return True
    after = shown.start(await events.identity(), categories)
    while True:
        page = await events.read_all(after=after, categories=categories, limit=_limit(shown))
        for event in page.events:
            if event.position <= part_for(head, event.stream) and not shown.covers(
                event.stream, event.position
            ):
                return False
        if page.at_end or reached(page.position, head, categories):
            return True
        after = page.position


def _limit(shown: Shown) -> int:
    """Without partitions, the first event that is found is one that is not shown."""
    return PAGE if shown.partitions else 1
