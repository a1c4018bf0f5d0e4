"""Policies in several processes: each follows the partitions that its process owns.

A policy keeps a checkpoint for each partition (`soft-reservation/order/3/6`), beside those of the
other subscribers and restored with them. Without one it goes on from the policy's own
(`soft-reservation`), which a single process keeps where all runs in one; whoever owns the first
partition moves that up to what all partitions have reached, so that one can go back to a single
process, or to another number of partitions.

Effects happen once because one process at a time owns a partition, and because handlers are
idempotent: around a hand-over, or in a process that stood still and does not know yet that it
lost its partitions, an event may be handled twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import structlog

from event_store.errors import EventStoreError, EventStoreUnavailable, InvalidPosition
from event_store.parking import Handler, Parking
from event_store.partitions import Mark, NumberOf, Partition, PartitionHandler, Published
from event_store.policy_reader import HandedOver, PolicyReader
from event_store.port import EventStore, SubscriptionStore

HAND_OVER_SECONDS = 2.0
"""How long the event at hand is waited for when partitions are taken away."""
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 5.0
_log = structlog.get_logger(__name__)


class PartitionedPolicy(PartitionHandler):
    """Runs one policy in the partitions owned; killed at any moment, another one goes on.

    What is delivered while the event store or the policy is in trouble is left out, and read from
    the event store afterwards: nothing waits for it, neither a rebalance nor a stop.
    """

    def __init__(
        self,
        name: str,
        handler: Handler,
        events: EventStore,
        memory: SubscriptionStore,
        number_of: NumberOf,
        *,
        categories: Collection[str],
        retry_on: tuple[type[Exception], ...] = (),
        interval: float = 0.5,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            name: of the policy.
            handler: does the work for one event. The same event again must change nothing.
            events: where they are recorded.
            memory: where checkpoints and parked streams are kept.
            number_of: tells which partition, of so many, a stream is in.
            categories: of the streams to follow.
            retry_on: errors of the handler that say nothing about the event.
            interval: seconds between two checkpoints, at most, and between looks at what
                operators asked for.
        """
        self.name = name
        self._parking = Parking(name, handler, events, memory, retry_on=retry_on)
        self._events = events
        self._memory = memory
        self._number_of = number_of
        self._categories = tuple(categories)
        self._interval = interval
        self._owned: frozenset[Partition] = frozenset()
        self._reader: PolicyReader | None = None
        self._trouble: Exception | None = None
        self._mark: Mark | None = None
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._delay = _FIRST_DELAY
        self._log = _log.bind(subscriber=name)

    @property
    def caught_up(self) -> bool:
        """Whether all is handled that was recorded when partitions were assigned."""
        reader = self._reader
        return self._trouble is None and reader is not None and reader.caught_up

    @property
    def positions(self) -> Mapping[str, str]:
        """How far each partition owned has come."""
        return {} if self._reader is None else self._reader.positions

    async def start(self) -> None:
        """Begin in the background; returns at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"policy {self.name}")

    async def stop(self) -> None:
        """Finish the event at hand if it is soon done, and keep how far all has come."""
        task, self._task = self._task, None
        if task is not None:
            await self._hand_over()
            task.cancel()
            await asyncio.wait({task})

    async def own(self, partitions: frozenset[Partition]) -> None:
        """Handle the events of these partitions, and no others, beginning with what is recorded."""
        lost, self._owned = self._owned - partitions, partitions
        if lost:
            await self._hand_over()
        if self._reader is not None:
            self._reader.own(self._owned)

    async def handle(self, events: Sequence[Published]) -> None:
        """Return when the events are handled, or left to what is read from the event store."""
        async with self._busy:
            if self._reader is None or self._trouble is not None:
                return
            try:
                await self._reader.take(events)
            except HandedOver:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the policy starts again
                self._trouble = error
                self._reader.wake.set()

    def published(self, mark: Mark) -> None:
        """Let partitions that hold nothing more keep up with the relay."""
        self._mark = mark

    async def _hand_over(self) -> None:
        reader = self._reader
        if reader is None:
            return
        reader.let_go()
        # What is not kept is handled again, and changes nothing.
        with suppress(TimeoutError, EventStoreError):
            async with asyncio.timeout(HAND_OVER_SECONDS), self._busy:
                await reader.save()

    async def _run(self) -> None:
        while True:
            try:
                await self._session()
            except InvalidPosition:
                await self._pass_over_what_was_lost()
            except self._parking.transient as error:
                self._log.warning(
                    "the policy is held up and tries again",
                    error=type(error).__name__,
                    seconds=self._delay,
                )
            except Exception:  # noqa: BLE001 - of no event, which would be parked: it must go on
                self._log.exception("the policy failed and starts again", seconds=self._delay)
            await asyncio.sleep(self._delay * random.uniform(0.5, 1))  # noqa: S311 no secret
            self._delay = min(2 * self._delay, _LONGEST_DELAY)

    async def _session(self) -> None:
        identity = await self._events.identity()
        async with self._busy:
            reader = self._reader
            if reader is None or reader.identity != identity:
                reader = self._reader = self._new_reader(identity)
                reader.own(self._owned)
            reader.read_anew()
            self._trouble = None
        while True:
            with suppress(HandedOver):
                await self._bring_forward(reader)
                await self._look(reader)
                self._delay = _FIRST_DELAY
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await reader.wake.wait()
            reader.wake.clear()
            if self._trouble is not None:
                raise self._trouble

    def _new_reader(self, identity: str) -> PolicyReader:
        return PolicyReader(
            self.name,
            self._parking,
            self._events,
            self._memory,
            self._categories,
            identity,
            self._number_of,
        )

    async def _bring_forward(self, reader: PolicyReader) -> None:
        more = True
        while more:
            async with self._busy:
                more = await reader.read_on()
        mark, self._mark = self._mark, None
        if mark is None:
            return
        if mark.store != reader.identity and await self._events.identity() != reader.identity:
            raise EventStoreUnavailable("another event store has taken its place")
        async with self._busy:
            await reader.advance(mark)

    async def _look(self, reader: PolicyReader) -> None:
        """Carry out what operators asked for, and keep how far all has come."""
        async with self._busy:
            await self._parking.carry_out(reader.reached, reader.save)
            await reader.save_now_and_then()

    async def _pass_over_what_was_lost(self) -> None:
        """What is left was handled before; whatever comes from now on was not."""
        with suppress(*self._parking.transient):
            head = await self._events.head()
            async with self._busy:
                if self._reader is not None:
                    self._reader.end_at(head or "")
                    await self._reader.save()
            self._log.error(
                "the event store has lost events that were handled; the policy goes on at its end",
                position=head,
            )
