"""Replays the events into a generation that nobody else uses, in bulk."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager

from event_store.port import EventStore, Position
from projections.engine import Engine
from projections.generations import ALL_EVENTS
from projections.projector import AnyProjector
from read_side.port import Checkpoint, Generation
from read_side.rebuild_port import RebuildStore

PAGE = 10_000
"""Events that are folded in memory and written at once; nothing else grows with their number."""


async def replay(
    events: EventStore,
    store: RebuildStore,
    projector: AnyProjector,
    generation: Generation,
    done: Callable[[int], None],
    *,
    page_size: int = PAGE,
) -> None:
    """Project all events up to the head as it is now; `done` is told how many were, page by page.

    Raises:
        EventStoreUnavailable, ReadStoreUnavailable, UnknownGeneration: drop the generation.
    """
    identity, head = await events.identity(), await events.head()
    after: Position | None = None
    async with store.load_in_bulk(generation) as load:
        engine = Engine(projector, generation, events, load)
        with _garbage_left_alone():
            while True:
                page = await events.read_all(
                    after=after, categories=projector.categories, limit=page_size
                )
                await engine.process(page.events, Checkpoint(ALL_EVENTS, identity, page.position))
                done(len(page.events))
                after = page.position
                if page.at_end or (head is not None and after >= head):
                    return


@contextmanager
def _garbage_left_alone() -> Generator[None]:
    """Documents and events have no cycles: looking for some takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
