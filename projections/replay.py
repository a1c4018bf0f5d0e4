"""Replays the events into a generation that nobody else uses, in bulk: here, or in processes."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from event_store.errors import EventStoreUnavailable
from event_store.port import EventStore, Page, Position
from event_store.shares import Share, read_share
from projections.engine import Engine
from projections.projector import AnyProjector
from projections.shown import ALL_EVENTS, reached
from read_side.port import Checkpoint, Generation, ReadStoreError, WriteBatch
from read_side.rebuild_port import LoadsShares, RebuildStore

PAGE = 10_000
"""Events that are folded in memory and written at once; nothing else grows with their number."""
Done = Callable[[int], None]
"""Is told how many events were replayed, page by page."""


class ShareFailed(ReadStoreError):
    """A process has not replayed its share."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a process has to know that replays a share into a generation."""

    projection: str
    generation: Generation
    store: str
    """Identity of the event store."""
    until: Position
    """At least all events up to this one are replayed."""
    page_size: int


InShares = Callable[[Replay, Done], Awaitable[None]]
"""Lets processes call `replay_share`, each with a share of its own, and returns when all have.

Raises:
    ShareFailed: one has not, and none of them is running any more.
"""


async def replay(
    events: EventStore,
    store: RebuildStore,
    projector: AnyProjector,
    generation: Generation,
    done: Done,
    *,
    page_size: int = PAGE,
    in_shares: InShares | None = None,
) -> None:
    """Project all events up to the head as it is now.

    Args:
        events: where the events are.
        store: where the generation is.
        projector: makes the documents.
        generation: where they go.
        done: is told how many events were replayed.
        page_size: events that a process folds in memory at once.
        in_shares: has processes do it, where the store takes several writers.

    Raises:
        EventStoreUnavailable, ReadStoreUnavailable, UnknownGeneration, ShareFailed: drop the
            generation.
    """
    identity, head = await events.identity(), await events.head()
    async with store.load_in_bulk(generation) as load:
        if in_shares is not None and head is not None and isinstance(store, LoadsShares):
            await in_shares(Replay(projector.name, generation, identity, head, page_size), done)
            last = Checkpoint(ALL_EVENTS, identity, head)
            await load.write(generation, WriteBatch(checkpoints=(last,)))
            return
        engine = Engine(projector, generation, events, load)

        async def project(page: Page) -> None:
            await engine.process(page.events, Checkpoint(ALL_EVENTS, identity, page.position))
            done(len(page.events))

        categories = projector.categories
        read = partial(events.read_all, categories=categories, limit=page_size)
        await _all_pages(categories, read, head, project)


async def replay_share(
    events: EventStore,
    store: LoadsShares,
    projector: AnyProjector,
    replay: Replay,
    share: Share,
    done: Done,
) -> None:
    """Project the events of one share. No checkpoint is written: the others may not be that far.

    Raises:
        EventStoreUnavailable, ReadStoreUnavailable, UnknownGeneration: the replay has failed.
        ReadStoreError: the projector's documents can't be replayed in shares.
    """
    if await events.identity() != replay.store:
        raise EventStoreUnavailable("it is not the store that this rebuild was begun with")
    async with store.load_share(replay.generation) as load:
        engine = Engine(projector, replay.generation, events, load)

        async def project(page: Page) -> None:
            _check_keys(projector, share, page)
            await engine.process(page.events)
            done(len(page.events))

        categories = projector.categories
        read = partial(read_share, events, share, categories=categories, limit=replay.page_size)
        await _all_pages(categories, read, replay.until, project)


async def _all_pages(
    categories: Collection[str],
    read: Callable[..., Awaitable[Page]],
    until: Position | None,
    project: Callable[[Page], Awaitable[None]],
) -> None:
    after: Position | None = None
    with _garbage_left_alone():
        while True:
            page = await read(after=after)
            await project(page)
            after = page.position
            if page.at_end or (until is not None and reached(after, until, categories)):
                return


def _check_keys(projector: AnyProjector, share: Share, page: Page) -> None:
    """All streams of a document have to be in one share."""
    for stream in {event.stream for event in page.events}:
        key = projector.key_of(stream)
        if key is not None and not share.holds(key):
            raise ReadStoreError(
                f"{projector.name} is replayed by one process only: its documents' keys do not end "
                f"as their streams' names do, such as {key} of {stream}"
            )


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
