"""Brings one generation forward in the partitions that a process owns."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from event_store.partition_reader import PartitionReader
from event_store.partitions import Mark, NumberOf, Partition
from event_store.port import EventStore, RecordedEvent
from projections.engine import Engine
from projections.shown import what_is_shown
from read_side.port import Checkpoint, Generation, ProjectionStore

CHECK_SECONDS = 10.0
"""How often it is looked whether the checkpoints are still as they were written."""


class PartitionFeed(PartitionReader):
    """One generation in the partitions owned; their checkpoints are written with the documents."""

    def __init__(
        self,
        engine: Engine,
        generation: Generation,
        events: EventStore,
        store: ProjectionStore,
        categories: Collection[str],
        identity: str,
        number_of: NumberOf,
    ) -> None:
        super().__init__(generation.projection, events, categories, identity, number_of)
        self.failure: Exception | None = None
        """What ends this feed."""
        self._engine = engine
        self._generation = generation
        self._store = store
        self._checked_at = time.monotonic()

    def fail(self, error: Exception) -> None:
        """End this feed."""
        self.failure = error
        self.wake.set()

    async def recall(self, partitions: Collection[Partition]) -> Mapping[Partition, str]:
        """Read what others may have written before these partitions were assigned."""
        self._engine.forget()
        shown = await what_is_shown(self._store, self._generation, self._number_of)
        return {it: shown.all_in(it) for it in partitions}

    async def process(
        self, events: Sequence[RecordedEvent], moved: Mapping[Partition, str]
    ) -> None:
        """Project the events, and write how far the partitions have come, all at once."""
        checkpoints = [
            Checkpoint(str(it), self._stores[it.category], position)
            for it, position in moved.items()
        ]
        await self._engine.process(events, *checkpoints)

    async def advance(self, mark: Mark) -> None:
        """Move partitions up to a mark, and checkpoints that an owner of before has moved back.

        Its last write may arrive late, and takes nothing from the documents.
        """
        now = time.monotonic()
        if now - self._checked_at >= CHECK_SECONDS:
            self._checked_at = now
            written = await self._store.checkpoints(self._generation)
            for it, place in self._places.items():
                at = written.get(str(it))
                place.joined = at is not None and at.position >= place.position
        await super().advance(mark)
