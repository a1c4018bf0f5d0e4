"""Subscribers with effects (policies): they resume where they were and park what they can't do."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, suppress
from enum import Enum

import structlog

from event_store.composite import after_event, covers, part_for
from event_store.errors import EventStoreError, InvalidPosition
from event_store.parking import Handler, Parking
from event_store.port import Delivery, EventStore, Position, SubscriptionStore
from event_store.tasks import stop

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
_log = structlog.get_logger(__name__)


class StartFrom(Enum):
    """Where a subscriber begins that has no checkpoint yet."""

    BEGINNING = "beginning"
    HEAD = "head"
    """The head as it was when the subscriber first ran; recorded, so a restart keeps it."""


class SubscriptionRunner:
    """Hands events to one handler, in order, at least once; run it in one process at a time.

    The handler must be idempotent: after a crash it sees again what came since the last
    checkpoint. If it raises, the event's stream is parked and the other streams go on. Later
    events of a parked stream are passed over, since carrying out a `retry` or `discard` reads
    the stream again, up to where the runner is.
    """

    def __init__(
        self,
        name: str,
        handler: Handler,
        events: EventStore,
        memory: SubscriptionStore,
        *,
        categories: Collection[str] | None = None,
        start: StartFrom = StartFrom.BEGINNING,
        retry_on: tuple[type[Exception], ...] = (),
        batch: int = 100,
        interval: float = 0.5,
    ) -> None:
        """Prepare; `run` does the work.

        Args:
            name: of the checkpoint and the parked streams. Two subscribers never share one.
            handler: does the work for one event.
            events: where they come from.
            memory: where checkpoints and parked streams are kept.
            categories: of the streams to follow (None: all).
            start: where to begin without a checkpoint.
            retry_on: further errors of the handler that say nothing about the event.
            batch: events between two checkpoints, at most.
            interval: seconds between two checkpoints, at most, and between looks at what
                operators asked for.
        """
        self.name = name
        self._events = events
        self._memory = memory
        self._categories = categories
        self._start = start
        self._parking = Parking(name, handler, events, memory, retry_on=retry_on, batch=batch)
        self._batch = batch
        self._interval = interval
        self._position: Position | None = None
        self._saved: Position | None = None
        self._unsaved = 0
        self._beyond_end = False
        self._next_look = 0.0
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._log = _log.bind(subscriber=name)

    @property
    def position(self) -> Position | None:
        """All events up to here are handled, or parked; None before the first."""
        return self._position

    async def wait_until(self, position: Position, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when the runner has reached the position.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not covers(self._position, position):
                await self._moved.wait()

    def wake(self) -> None:
        """Look at once at what operators asked for."""
        self._wake.set()

    async def run(self) -> None:
        """Follow the events until cancelled. Errors of the infrastructure are waited out."""
        try:
            await self._run()
        finally:
            # Spares the next start what was handled already; it is no loss if it fails.
            with suppress(EventStoreError):
                await self._save_checkpoint()

    async def _run(self) -> None:
        failures = 0
        while True:
            before = self._position
            try:
                await self._resume()
                await self._follow()
            except InvalidPosition:
                self._beyond_end = True
            except self._parking.transient as error:
                failures = failures + 1 if self._position == before else 0
                longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(failures, 16))
                delay = longest * random.uniform(0.5, 1)  # noqa: S311
                self._log.warning(
                    "the subscriber is held up and tries again",
                    error=type(error).__name__,
                    seconds=round(delay, 2),
                    position=self._position,
                )
                await asyncio.sleep(delay)

    async def _resume(self) -> None:
        if self._position is None:
            self._position = await self._memory.load_checkpoint(self.name)
            self._saved = self._position
        if self._beyond_end:
            await self._go_back_to_the_end()
        if self._position is None and self._start is StartFrom.HEAD:
            head = await self._current_head()
            # Saved first: if that fails, or the process ends, nothing after it was handled yet.
            await self._memory.save_checkpoint(self.name, head)
            self._saved = head
            self._advance(head)
        await self._parking.load()
        self._log.info("the subscriber starts", position=self._position, parked=len(self._parking))

    async def _go_back_to_the_end(self) -> None:
        """What is left was handled before; whatever comes from now on was not."""
        handled, head = self._position, await self._current_head()
        await self._memory.save_checkpoint(self.name, head)
        self._saved = head
        self._advance(head)
        self._beyond_end = False
        self._log.error(
            "the event store has lost events that were handled; the subscriber goes on at its end",
            handled=handled,
            position=head,
        )

    async def _current_head(self) -> Position:
        while True:
            head = await self._events.head()
            if head is not None:
                return head
            # Even an empty store has a place to start from, and a page of it says which.
            page = await self._events.read_all(limit=1)
            if not page.events:
                return page.position

    async def _follow(self) -> None:
        deliveries = self._events.subscribe(
            after=self._position, categories=self._categories, batch=self._batch
        )
        async with aclosing(deliveries):
            coming = asyncio.ensure_future(_next(deliveries))
            try:
                while True:
                    await self._wait_for(coming)
                    if coming.done():
                        await self._take(coming.result())
                        coming = asyncio.ensure_future(_next(deliveries))
                    if self._wake.is_set() or time.monotonic() >= self._next_look:
                        await self._look()
            finally:
                await stop(coming)

    async def _wait_for(self, coming: asyncio.Future[Delivery]) -> None:
        if coming.done() or self._wake.is_set():
            return
        woken = asyncio.ensure_future(self._wake.wait())
        timeout = max(0.0, self._next_look - time.monotonic())
        try:
            await asyncio.wait(
                {coming, woken}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            woken.cancel()

    async def _take(self, delivery: Delivery) -> None:
        for event in delivery.events:
            await self._parking.handle(event)
            self._position = Position(
                after_event(self._position, delivery.position, event.stream, event.position)
            )
        self._advance(delivery.position)
        self._unsaved += len(delivery.events)
        if self._unsaved >= self._batch:
            await self._save_checkpoint()

    async def _look(self) -> None:
        """Carry out what operators asked for; keep the checkpoint up while nothing concerns us."""
        self._wake.clear()
        self._next_look = time.monotonic() + self._interval
        await self._parking.carry_out(self._reached, self._save_checkpoint)
        if self._position != self._saved:
            await self._save_checkpoint()

    def _reached(self, stream: str) -> str | None:
        return None if self._position is None else part_for(self._position, stream)

    def _advance(self, position: Position) -> None:
        self._position = position
        self._moved.set()
        self._moved = asyncio.Event()

    async def _save_checkpoint(self) -> None:
        if self._position is not None and self._position != self._saved:
            await self._memory.save_checkpoint(self.name, self._position)
            self._saved = self._position
            self._unsaved = 0


async def _next(deliveries: AsyncGenerator[Delivery]) -> Delivery:
    return await anext(deliveries)
