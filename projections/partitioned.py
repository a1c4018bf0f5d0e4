"""Runs all projections within a process that owns some of the partitions of published events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from event_store.partitions import Mark, NumberOf, Partition, PartitionHandler, Published
from event_store.port import EventStore
from projections.partition_worker import PartitionWorker
from projections.projector import AnyProjector
from projections.worker import POLL_SECONDS
from read_side.rebuild_port import RebuildStore


class PartitionedRunner(PartitionHandler):
    """Keeps the projections up to date in the partitions that are this process's.

    It can be killed at any moment: the checkpoints of partitions are written together with
    documents, and whoever owns a partition next reads on from there.
    """

    def __init__(
        self,
        event_store: EventStore,
        projection_store: RebuildStore,
        projectors: Iterable[AnyProjector],
        number_of: NumberOf,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Prepare the runner.

        Args:
            event_store: where the events are.
            projection_store: where the documents go.
            projectors: what to project.
            number_of: tells which partition, of so many, a stream is in.
            poll_seconds: how often operators' requests (resume, retry, discard) are looked for.
        """
        self._workers = {
            projector.name: PartitionWorker(
                event_store, projection_store, projector, number_of, poll_seconds=poll_seconds
            )
            for projector in projectors
        }
        self._owned: frozenset[Partition] = frozenset()

    @property
    def partitions(self) -> frozenset[Partition]:
        """The partitions owned."""
        return self._owned

    @property
    def caught_up(self) -> bool:
        """Whether all that was recorded when partitions were assigned is shown.

        A projection that is paused does not count.
        """
        return all(worker.caught_up for worker in self._workers.values())

    @property
    def positions(self) -> Mapping[str, Mapping[str, str]]:
        """How far each partition owned has come, by projection and partition (`order/3/6`)."""
        return {name: worker.positions for name, worker in self._workers.items()}

    async def start(self) -> None:
        """Begin to project in the background; returns at once."""
        for worker in self._workers.values():
            worker.start()

    async def stop(self) -> None:
        """Finish the batches at hand, then stand still. The stores stay open."""
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    async def own(self, partitions: frozenset[Partition]) -> None:
        """Bring these partitions forward, and no others, beginning with what is recorded."""
        self._owned = partitions
        for worker in self._workers.values():
            worker.own(partitions)

    async def handle(self, events: Sequence[Published]) -> None:
        """Return when the events are shown, or their streams parked, in all projections.

        Those of partitions that are being read from the event store are left to that.
        """
        await asyncio.gather(*(worker.take(events) for worker in self._workers.values()))

    def published(self, mark: Mark) -> None:
        """Let partitions that hold nothing more keep up with the relay."""
        for worker in self._workers.values():
            worker.published(mark)
