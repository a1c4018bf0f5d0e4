"""All policies of one process, fed by one consumer of what the relay publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from event_store.partitioned_policies import HAND_OVER_SECONDS, PartitionedPolicy
from event_store.partitions import Mark, Partition, PartitionHandler, Published

_POLL_SECONDS = 0.1
_AGAIN_SECONDS = 1.0
_log = structlog.get_logger(__name__)

Run = Callable[[], Awaitable[None]]


class ElectedRunner(PartitionHandler):
    """Runs what only one process of a group may run, in whichever owns a certain partition.

    A policy on secret streams can't be fed by Kafka: it follows the event store itself, and in
    one process only. The group already has agreed on one owner of each partition, so the owner
    of number 0 of a category is elected: Kafka's group coordinator is the election. When the
    process stops, its successor starts after the hand-over; when it is killed, after the time-out
    of its session. A process that stands still longer than that may go on for a moment beside its
    successor, which handlers that are idempotent bear.
    """

    def __init__(self, name: str, run: Run, category: str, ready: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            name: of what is run.
            run: runs until cancelled, such as `SubscriptionRunner.run`.
            category: whose first partition's owner is elected.
            ready: whether it may begin: not while the process still catches up.
        """
        self.name = name
        self._run = run
        self._category = category
        self._ready = ready
        self._task: asyncio.Task[None] | None = None

    @property
    def is_elected(self) -> bool:
        """Whether it runs here, or waits to be ready."""
        return self._task is not None

    async def own(self, partitions: frozenset[Partition]) -> None:
        """Begin or end, as the election says."""
        elected = any(it.category == self._category and it.number == 0 for it in partitions)
        if elected and self._task is None:
            self._task = asyncio.create_task(self._keep_running(), name=self.name)
        elif not elected:
            await self.stop()

    async def handle(self, events: Sequence[Published]) -> None:
        """Nothing: what it follows is not published."""

    def published(self, mark: Mark) -> None:
        """Nothing: what it follows is not published."""

    async def stop(self) -> None:
        """End; what it is at may take a moment, and is not waited for longer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=HAND_OVER_SECONDS)

    async def _keep_running(self) -> None:
        while not self._ready():  # noqa: ASYNC110 - what it depends on tells nobody
            await asyncio.sleep(_POLL_SECONDS)
        _log.info("elected to run what only one process runs", subscriber=self.name)
        while True:
            try:
                await self._run()
            except Exception:  # noqa: BLE001 - whatever it is, nobody else runs it
                _log.exception("it failed and starts again", subscriber=self.name)
            await asyncio.sleep(_AGAIN_SECONDS)


class PolicyGroup(PartitionHandler):
    """Several policies, and those that only one process runs."""

    def __init__(
        self, policies: Sequence[PartitionedPolicy], elected: Sequence[ElectedRunner] = ()
    ) -> None:
        """Hand all that is delivered to all of them."""
        self._policies = tuple(policies)
        self._elected = tuple(elected)
        self._handlers: tuple[PartitionHandler, ...] = (*self._policies, *self._elected)

    @property
    def policies(self) -> Sequence[PartitionedPolicy]:
        """Those that follow partitions."""
        return self._policies

    @property
    def elected(self) -> Sequence[str]:
        """The names of those that run here alone."""
        return [it.name for it in self._elected if it.is_elected]

    @property
    def caught_up(self) -> bool:
        """Whether all is handled that was recorded when partitions were assigned."""
        return all(it.caught_up for it in self._policies)

    async def start(self) -> None:
        """Begin in the background; returns at once."""
        for policy in self._policies:
            await policy.start()

    async def stop(self) -> None:
        """Stand still, as soon as the events at hand are done."""
        stopping = [it.stop() for it in (*self._elected, *self._policies)]
        await asyncio.gather(*stopping)

    async def own(self, partitions: frozenset[Partition]) -> None:
        """Tell all of them."""
        await asyncio.gather(*(it.own(partitions) for it in self._handlers))

    async def handle(self, events: Sequence[Published]) -> None:
        """Return when all of them have."""
        await asyncio.gather(*(it.handle(events) for it in self._handlers))

    def published(self, mark: Mark) -> None:
        """Tell all of them."""
        for it in self._handlers:
            it.published(mark)
