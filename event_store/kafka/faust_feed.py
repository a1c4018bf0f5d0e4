"""Brings a worker the published events of its partitions, as long as the worker lives."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from event_store.kafka.faust_app import FeedApp, PartitionsChanged
from event_store.kafka.feed_settings import FeedSettings
from event_store.kafka.topics import Topics
from event_store.partitions import Partition, PartitionHandler

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 10.0
_STOP_SECONDS = 20.0
_log = structlog.get_logger(__name__)


class FeedFailed(Exception):
    """The feed can't go on within this process: end it, and start another."""


class FaustFeed:
    """Runs one Faust app after another: where one crashes or stands still, the next takes over.

    What was handled and not committed is delivered again then; nothing is lost. It ends by
    itself only where another process is needed.
    """

    def __init__(self, settings: FeedSettings, handler: PartitionHandler) -> None:
        """Prepare; `run` does the work.

        Args:
            settings: of the group. Its topics are those that the handler knows the partitions of.
            handler: does something with the events.
        """
        self._settings = settings
        self._handler = handler
        self._app: FeedApp | None = None
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """What ended the last app, until the next one owns partitions."""

    @property
    def partitions(self) -> frozenset[Partition]:
        """What this worker owns."""
        return frozenset() if self._app is None else self._app.partitions

    @property
    def is_running(self) -> bool:
        """Whether an app is at work, be it that it waits for Kafka."""
        return self._app is not None

    async def start(self) -> None:
        """Run in a task of its own; returns at once. `wait` says when it ends by itself."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name="faust feed")

    async def wait(self) -> None:
        """Return when it was stopped.

        Raises:
            FeedFailed: see `run`.
        """
        if (task := self._task) is not None:
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

    async def stop(self) -> None:
        """Finish the batch at hand, commit, leave the group: within seconds, whatever happens."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def run(self) -> None:
        """Bring events until cancelled.

        Raises:
            FeedFailed: an app could not be ended, or a topic has other partitions than before.
        """
        delay = _FIRST_DELAY
        while True:
            began = time.monotonic()
            failure = await self._live()
            if isinstance(failure, PartitionsChanged):
                raise FeedFailed(f"{failure}: this process has to be started again")
            self.problem = f"{type(failure).__name__}: {failure}"
            if time.monotonic() - began > 2 * _LONGEST_DELAY:
                delay = _FIRST_DELAY
            _log.error("the feed failed and starts again", error=self.problem, seconds=delay)
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 no secret
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _live(self) -> BaseException | None:
        """One app from its start to its failure, or until cancelled."""
        app = self._app = FeedApp(self._settings, self._open)
        app.finalize()
        starting = asyncio.create_task(_start(app), name="faust app")
        try:
            await app.failed.wait()
        finally:
            self._app = None
            await _end(app, starting)
        return app.failure

    @asynccontextmanager
    async def _open(self, topics: Topics) -> AsyncGenerator[PartitionHandler]:
        known = self._settings.topics.counts
        if known and known != topics.counts:
            raise PartitionsChanged(f"topics have {topics.counts} partitions, not {known}")
        yield self._handler


async def _start(app: FeedApp) -> None:
    try:
        await app.start()
    except Exception as error:  # noqa: BLE001 - whatever it is, another app may do better
        app.fail(error)


async def _end(app: FeedApp, starting: asyncio.Task[None]) -> None:
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await app.stop()
            starting.cancel()
            await asyncio.wait({starting})
    except TimeoutError as error:
        raise FeedFailed("the Faust app can't be stopped") from error
