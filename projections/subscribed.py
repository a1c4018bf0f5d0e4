"""Keeps one projection up to date by a subscription on the whole event store."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from event_store.errors import EventStoreUnavailable
from event_store.port import Delivery
from projections.generations import start_of
from projections.shown import ALL_EVENTS
from projections.worker import FIRST_DELAY, Session, Worker
from read_side.port import Checkpoint

RESTS = 2
LONGEST_REST = 0.05
"""After a live batch a projection rests so many times as long as it took, at most so many seconds:
the busier the process, the larger the batches, and commands keep most of it."""
IDLE_CHECKPOINT_SECONDS = 1.0
"""How often a checkpoint is written that only moves past events of other categories."""


class SubscribedWorker(Worker):
    """The only owner of a projection: reads all its events in the event store's order."""

    async def _follow(self, session: Session) -> None:
        after = await start_of(self._events, self._store, self._projector, session.generation)
        deliveries = self._events.subscribe(after=after, categories=self._projector.categories)
        written = 0.0
        async with aclosing(deliveries):
            async for delivery in deliveries:
                await self._while_paused()
                began = time.monotonic()
                idle = not delivery.events and session.caught_up
                async with self._busy:
                    if not idle or began - written >= IDLE_CHECKPOINT_SECONDS:
                        await self._take(session, delivery)
                        written = began
                self._delay = FIRST_DELAY
                if delivery.caught_up:
                    await asyncio.sleep(min(RESTS * (time.monotonic() - began), LONGEST_REST))
        raise EventStoreUnavailable("the subscription ended")

    async def _take(self, session: Session, delivery: Delivery) -> None:
        checkpoint = Checkpoint(ALL_EVENTS, session.store, delivery.position)
        await session.engine.process(delivery.events, checkpoint)
        if not delivery.caught_up or session.caught_up:
            return
        session.caught_up = True
        if session.beside:
            await self._store.acknowledge_rebuild(session.generation)
        else:
            await self._serve(session)
            self.ready.set()
