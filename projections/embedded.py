"""Runs all projections within this process, fed by subscriptions on the event store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from event_store.port import EventStore
from projections.projector import AnyProjector
from projections.subscribed import SubscribedWorker
from projections.worker import POLL_SECONDS
from read_side.rebuild_port import RebuildStore


class EmbeddedRunner:
    """Keeps the projections of a single process up to date, each in a task of its own.

    It can be killed at any moment: checkpoints are written together with documents.
    """

    def __init__(
        self,
        event_store: EventStore,
        projection_store: RebuildStore,
        projectors: Iterable[AnyProjector],
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Prepare the runner.

        Args:
            event_store: where the events are.
            projection_store: where the documents go.
            projectors: what to project.
            poll_seconds: how often operators' requests (resume, retry, discard) are looked for.
        """
        self._workers = [
            SubscribedWorker(event_store, projection_store, projector, poll_seconds=poll_seconds)
            for projector in projectors
        ]

    async def start(self) -> None:
        """Begin to project in the background; returns at once."""
        for worker in self._workers:
            worker.start()

    async def ready(self) -> None:
        """Return when each projection has once shown all that was recorded, or is paused.

        It waits as long as that takes; use `asyncio.timeout` where there is a limit.
        """
        await asyncio.gather(*(worker.ready.wait() for worker in self._workers))

    async def stop(self) -> None:
        """Finish the batches at hand, then stand still. The stores stay open."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))
