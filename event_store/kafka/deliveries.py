"""From a record that has arrived to one that is handled: in batches, in order, acked only then."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from event_store.kafka.errors import MalformedRecord
from event_store.partitions import Partition, PartitionHandler, Published

BATCH = 500
"""Events handed over at once, at most: as many as have arrived while the last ones were handled."""
BACKLOG = 4 * BATCH
"""So many records may wait; then no more are fetched."""
_TURNS = 8
"""Of the event loop, in which records should have arrived that are about to."""
_log = structlog.get_logger(__name__)

Headers = Mapping[str, bytes] | Sequence[tuple[str, bytes]]
Decode = Callable[[bytes, Headers], Published]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record as it came; `token` is the consumer's own name for it."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Headers
    token: Any


class Source(Protocol):
    """The consumer that records come from."""

    def has_more(self) -> bool:
        """Whether records have been fetched that have not arrived yet."""
        ...

    def is_current(self, arrival: Arrival) -> bool:
        """Whether its partition has been ours ever since it arrived."""
        ...

    async def ack(self, arrival: Arrival) -> None:
        """It and all before it in its partition are handled."""
        ...

    def forget(self, arrival: Arrival) -> None:
        """It is not handled here: whoever owns the partition next gets it again."""
        ...


class Deliveries:
    """Hands what has arrived to a handler, and acks it when the handler has returned."""

    def __init__(self, source: Source, handler: PartitionHandler, decode: Decode) -> None:
        """Prepare; `run` does the work."""
        self._source = source
        self._handler = handler
        self._decode = decode
        self._arrived: deque[Arrival] = deque()
        self._some = asyncio.Event()
        self._turn = asyncio.Lock()
        self._stopping = False
        self.progress = asyncio.Event()
        """Set each time that a batch is done with."""

    @property
    def waiting(self) -> int:
        """Records that have arrived and are not being handled yet."""
        return len(self._arrived)

    @property
    def is_busy(self) -> bool:
        """Whether the handler is at work: it may take as long as an outage lasts."""
        return self._turn.locked()

    def add(self, arrival: Arrival) -> None:
        """A record has arrived, after those before it in its partition."""
        if self._stopping:
            self._source.forget(arrival)
            return
        self._arrived.append(arrival)
        self._some.set()

    async def own(self, partitions: frozenset[Partition]) -> None:
        """Tell the handler what it owns, when it is not at work."""
        async with self._turn:
            await self._handler.own(partitions)

    async def run(self) -> None:
        """Deliver until cancelled.

        Raises:
            Exception: what the handler raised. Nothing of that batch is acked.
        """
        while True:
            await self._some.wait()
            self._some.clear()
            async with self._turn:
                while self._arrived and not self._stopping:
                    await self._let_arrive()
                    await self._deliver_next()

    async def stop(self, task: asyncio.Task[None], grace: float) -> None:
        """End `run`, which is running in this task, when the batch at hand is done.

        After `grace` seconds the handler is cancelled: that batch is delivered again.
        """
        self._stopping = True
        self._forget(self._arrived)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace), self._turn:
                pass
        if self.is_busy:
            _log.warning("the batch at hand is given up; it is delivered again", seconds=grace)
        task.cancel()
        await asyncio.wait({task})

    async def _let_arrive(self) -> None:
        """Have what was fetched together handled together."""
        waiting = -1
        while waiting < len(self._arrived) < BATCH and self._source.has_more():
            waiting = len(self._arrived)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def _deliver_next(self) -> None:
        batch = self._next_batch()
        try:
            await self._deliver(batch)
        finally:
            # Those that were acked are gone from it.
            self._forget(batch)
            self.progress.set()

    def _next_batch(self) -> deque[Arrival]:
        batch: deque[Arrival] = deque()
        while self._arrived and len(batch) < BATCH:
            arrival = self._arrived.popleft()
            if self._source.is_current(arrival):
                batch.append(arrival)
            else:
                self._source.forget(arrival)
        return batch

    async def _deliver(self, batch: deque[Arrival]) -> None:
        events = [event for it in batch if (event := self._decoded(it)) is not None]
        if events:
            await self._handler.handle(events)
        while batch:
            await self._source.ack(batch[0])
            batch.popleft()

    def _decoded(self, arrival: Arrival) -> Published | None:
        """The event; None for a record that is none, which the event store can't miss."""
        try:
            return self._decode(arrival.value or b"", arrival.headers)
        except MalformedRecord as error:
            _log.error(
                "a record in a topic of events is passed over",
                topic=arrival.topic,
                partition=arrival.partition,
                offset=arrival.offset,
                error=str(error),
            )
            return None

    def _forget(self, arrivals: deque[Arrival]) -> None:
        while arrivals:
            self._source.forget(arrivals.popleft())
