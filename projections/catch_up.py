"""Brings a generation to the head, through the projection's owner or, where there is none, here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from contracts.errors import Refused
from event_store.partitions import NumberOf
from event_store.port import EventStore, Position
from projections.engine import Engine
from projections.generations import is_made_by, start_of
from projections.projector import AnyProjector
from projections.shown import ALL_EVENTS, shows_all, what_is_shown
from read_side.port import Checkpoint, Generation, ProjectionStore
from read_side.rebuild_port import RebuildStore

TAKE_OVER_SECONDS = 60.0
"""How long the owner may take until it writes to a generation as well."""
POLL_SECONDS = 0.05
PAGE = 5_000


class CatchUp:
    """Lets generations of one projection be brought forward by whoever may write them."""

    def __init__(
        self,
        events: EventStore,
        store: RebuildStore,
        projector: AnyProjector,
        own: Callable[[], bool],
        *,
        patience: float = TAKE_OVER_SECONDS,
        number_of: NumberOf | None = None,
    ) -> None:
        """Prepare.

        Args:
            events: the event store.
            store: where the generations are.
            projector: makes the documents.
            own: becomes the owner of the projection if nobody is; says whether it is this process.
            patience: seconds to wait for another owner.
            number_of: tells a stream's partition, where owners have partitions.
        """
        self._events = events
        self._store = store
        self._projector = projector
        self._own = own
        self._patience = patience
        self._number_of = number_of

    async def to_head(self, generation: Generation) -> None:
        """Return when the generation shows all that is recorded at this moment.

        Raises:
            Refused: the owner does not follow this generation, or can't keep up.
            EventStoreUnavailable, ReadStoreUnavailable, UnknownGeneration.
        """
        head = await self._events.head()
        deadline = time.monotonic() + self._patience
        while not self._own():
            if await self._is_followed(generation, head):
                return
            if time.monotonic() > deadline:
                raise Refused(
                    f"Nobody took over generation {generation.number} of {generation.projection} "
                    f"within {self._patience:.0f} seconds: the processes that keep it up to date "
                    "don't run, are paused, have other code, or can't keep up.",
                    code="not-taken-over",
                )
            await asyncio.sleep(POLL_SECONDS)
        await bring_forward(self._events, self._store, self._projector, generation)

    async def also(self, generation: Generation) -> None:
        """Bring the serving generation forward too, if nobody else does and it is ours to write."""
        made = (self._events, self._store, self._projector, generation)
        if await is_made_by(*made) and self._own():
            await bring_forward(*made)

    async def _is_followed(self, generation: Generation, head: Position | None) -> bool:
        rebuilds = await self._store.rebuilds(generation.projection)
        if not any(
            it.generation.number == generation.number and it.acknowledged for it in rebuilds
        ):
            return False
        shown = await what_is_shown(self._store, generation, self._number_of)
        return await shows_all(self._events, shown, self._projector.categories, head)


async def bring_forward(
    events: EventStore, store: ProjectionStore, projector: AnyProjector, generation: Generation
) -> None:
    """Project all that is recorded, and carry out what operators asked for parked streams.

    Raises:
        EventStoreUnavailable, ReadStoreUnavailable, UnknownGeneration, WriteConflict.
    """
    engine = Engine(projector, generation, events, store)
    identity = await events.identity()
    after = await start_of(events, store, projector, generation)
    while True:
        page = await events.read_all(after=after, categories=projector.categories, limit=PAGE)
        await engine.process(page.events, Checkpoint(ALL_EVENTS, identity, page.position))
        after = page.position
        if page.at_end:
            break
    await engine.carry_out_requests()
