"""Which generation of a projection is written, and when a new one may answer queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from event_store.errors import InvalidPosition
from event_store.port import EventStore, Position
from projections.projector import AnyProjector, fingerprint
from projections.shown import what_is_shown
from read_side.port import Generation, ProjectionStore
from read_side.rebuild_port import Rebuild, RebuildStore

log = structlog.get_logger(__name__)


def active_of(generations: Sequence[Generation]) -> Generation | None:
    """The generation that answers queries, if there is one."""
    return next((one for one in generations if one.state == "active"), None)


async def is_trusted(events: EventStore, store: ProjectionStore, generation: Generation) -> bool:
    """Whether all checkpoints are positions of this event store, and none lies beyond its end.

    One does when the store's end was lost, or an older copy was put in its place: then documents
    may show what the store does not have.
    """
    identity, shown = await events.identity(), await what_is_shown(store, generation)
    if not shown.is_of(identity):
        return False
    try:
        await events.read_all(after=shown.end(identity), categories=(), limit=1)
    except InvalidPosition:
        return False
    return True


async def start_of(
    events: EventStore, store: ProjectionStore, projector: AnyProjector, generation: Generation
) -> Position | None:
    """Where to read the event store on from, to come by all that the generation may not show."""
    shown = await what_is_shown(store, generation)
    return shown.start(await events.identity(), projector.categories)


async def generation_to_write(
    events: EventStore, store: RebuildStore, projector: AnyProjector
) -> Generation:
    """The generation that this projector brings forward; a new, empty one where none fits.

    Others that were being built are dropped, except by a rebuild; the active one, if it does not
    fit, is left as it is and serves until the new one is activated. Only one process at a time may
    call this.
    """
    for one in await _not_rebuilt(store, projector.name):
        if one.state == "building" and not await is_made_by(events, store, projector, one):
            await store.drop(one)
    fitting = await fitting_generation(events, store, projector)
    if fitting is not None:
        return fitting
    own = fingerprint(projector)
    generations = await store.generations(projector.name)
    made = await store.create_generation(projector.document_type, own)
    log.info(
        "a new generation is being built",
        projection=projector.name,
        generation=made.number,
        because=_why(active_of(generations), own),
    )
    return made


async def fitting_generation(
    events: EventStore, store: RebuildStore, projector: AnyProjector
) -> Generation | None:
    """The generation that this projector goes on with, if there is one.

    One fits that was made by the same code from the same event store. The active one comes first,
    then one whose building was interrupted, or is under way in another process.
    """
    fitting = {
        one.state: one
        for one in await _not_rebuilt(store, projector.name)
        if await is_made_by(events, store, projector, one)
    }
    if "active" in fitting and "building" in fitting:
        await store.drop(fitting["building"])  # A rebuild was quicker.
    return fitting.get("active") or fitting.get("building")


async def is_made_by(
    events: EventStore, store: ProjectionStore, projector: AnyProjector, generation: Generation
) -> bool:
    """Whether the projector may write to it: the same code made it from the same event store."""
    ours = generation.fingerprint == fingerprint(projector)
    return ours and await is_trusted(events, store, generation)


async def _not_rebuilt(store: RebuildStore, projection: str) -> Sequence[Generation]:
    """All generations but those that a rebuild makes."""
    rebuilt = {it.generation.number for it in await store.rebuilds(projection)}
    generations = await store.generations(projection)
    # A rebuild that has begun in between is listed now, one that has ended was listed before.
    rebuilt |= {it.generation.number for it in await store.rebuilds(projection)}
    return [it for it in generations if it.state != "building" or it.number not in rebuilt]


async def go_green(events: EventStore, store: ProjectionStore, generation: Generation) -> bool:
    """Let a generation that has caught up answer queries, unless the one that does is better.

    The serving one is better when streams are parked in the new one that are not in it. One made
    from another event store, whose positions mean nothing here, is never better, nor is one that
    shows events which the store has lost.
    """
    active = active_of(await store.generations(generation.projection))
    if active is not None and await is_trusted(events, store, active):
        known = {it.stream for it in await store.parked(active)}
        stuck = {it.stream for it in await store.parked(generation)} - known
        if stuck:
            return False
    await store.activate(generation)
    await drop_retired_except(store, active or generation)
    log.info(
        "the new generation answers queries now",
        projection=generation.projection,
        generation=generation.number,
    )
    return True


async def drop_retired_except(store: ProjectionStore, kept: Generation) -> None:
    """Drop the retired generations except this one, which stays for a rollback."""
    for one in await store.generations(kept.projection):
        if one.state == "retired" and one.number != kept.number:
            await store.drop(one)


async def drop_abandoned(store: RebuildStore, projection: str, now: datetime) -> Sequence[Rebuild]:
    """Drop what rebuilds left behind whose lease has lapsed; the rebuilds that are listed still."""
    listed: list[Rebuild] = []
    for rebuild in await store.rebuilds(projection):
        if not rebuild.is_abandoned(now):
            listed.append(rebuild)
            continue
        log.warning(
            "a rebuild was abandoned", projection=projection, generation=rebuild.generation.number
        )
        if rebuild.generation.state == "building":
            await store.drop(rebuild.generation)
        else:
            await store.end_rebuild(rebuild.generation)
    return listed


def _why(active: Generation | None, own: str) -> str:
    if active is None:
        return "there is none yet"
    if active.fingerprint != own:
        return "the active one was made by other code"
    return "the active one shows events that this event store does not have"
