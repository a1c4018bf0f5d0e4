"""Rebuilds a projection beside the generation that serves, compares, switches, and rolls back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from contracts.errors import Refused
from contracts.parked import ParkedStream
from event_store.partitions import NumberOf
from event_store.port import EventStore
from projections.catch_up import TAKE_OVER_SECONDS, CatchUp
from projections.compare import Comparison, compare
from projections.generations import active_of, drop_retired_except, is_trusted
from projections.lease import LEASE_SECONDS, Lease, Progress
from projections.projector import AnyProjector, fingerprint
from projections.replay import PAGE, InShares, replay
from read_side.port import Generation
from read_side.rebuild_port import RebuildStore

Count = Callable[[Collection[str]], Awaitable[int | None]]
"""How many events there are in these categories; for progress."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a rebuild, a switch or a rollback."""

    projection: str
    generation: int
    """The generation that was built, or that was to be switched to."""
    switched: bool
    """Whether it answers queries now."""
    events: int = 0
    seconds: float = 0.0
    """What all of it took."""
    replay_seconds: float = 0.0
    """What replaying the events took of it; then they are caught up with and compared."""
    comparison: Comparison | None = None
    """With the generation that served; None where there was none of this event store."""
    parked: Sequence[ParkedStream] = ()
    """What could not be projected and kept it from being switched to."""


class Rebuilder:
    """Rebuilds projections and switches between their generations.

    It can be killed at any moment: what serves goes on serving, and what was begun is dropped by
    the next rebuild, or by the projection's owner once the lease has lapsed.
    """

    def __init__(
        self,
        events: EventStore,
        store: RebuildStore,
        count: Count,
        *,
        own: Callable[[], bool],
        report: Callable[[Progress], None] = lambda progress: None,
        patience: float = TAKE_OVER_SECONDS,
        page_size: int = PAGE,
        number_of: NumberOf | None = None,
        in_shares: InShares | None = None,
    ) -> None:
        """Prepare.

        Args:
            events: where the events are.
            store: where the generations are.
            count: how many events there are; None where that is not known.
            own: becomes the owner of the projections if nobody is; whether it is this process.
            report: is told how far a rebuild is, now and then.
            patience: seconds that another owner may take to follow a new generation.
            page_size: events that are folded in memory at once.
            number_of: tells a stream's partition, where owners have partitions.
            in_shares: has processes replay, where the store takes several writers.
        """
        self._events = events
        self._store = store
        self._count = count
        self._own = own
        self._report = report
        self._patience = patience
        self._page_size = page_size
        self._number_of = number_of
        self._in_shares = in_shares

    async def rebuild(self, projector: AnyProjector, *, switch: bool = True) -> Outcome:
        """Replay all events into a new generation; switch to it unless something is parked in it.

        Raises:
            RebuildUnderWay: another process is at it.
            Refused: the projection is paused, or its owner does not follow the new generation.
            EventStoreError, ReadStoreError: nothing has changed.
        """
        async with self._store.rebuilding(projector.name):
            await self._check_goes_on(projector.name)
            for left in await self._store.rebuilds(projector.name):
                await self._give_up(left.generation)
            started = time.monotonic()
            lease = await self._begin(projector)
            try:
                async with lease.held():
                    await self._replay(projector, lease)
                    replayed = time.monotonic()
                    comparison = await self._follow_and_compare(projector, lease)
                outcome = await self._switch_unless_parked(lease.generation, switch=switch)
            except BaseException:
                await asyncio.shield(self._give_up(lease.generation))
                raise
            return replace(
                outcome,
                events=lease.done,
                seconds=time.monotonic() - started,
                replay_seconds=replayed - started,
                comparison=comparison,
            )

    async def switch(self, projector: AnyProjector) -> Outcome:
        """Switch to the generation that was built and not switched to.

        Raises:
            Refused: there is none, other code made it, its owner does not follow it, or the
                projection is paused.
            RebuildUnderWay, EventStoreError, ReadStoreError: nothing has changed.
        """
        async with self._store.rebuilding(projector.name):
            await self._check_goes_on(projector.name)
            built = await self.built(projector)
            if built is None:
                raise Refused(
                    f"No generation of {projector.name} was built and not switched to.",
                    code="nothing-to-switch",
                )
            await self._check_is_ours(projector, built)
            await self._catch_up(projector).to_head(built)
            return await self._switch_unless_parked(built, switch=True)

    async def rollback(self, projector: AnyProjector) -> Outcome:
        """Bring the generation that served before up to date and switch back to it.

        Raises:
            Refused: there is none, other code made it, its owner does not follow it, or the
                projection is paused.
            RebuildUnderWay, EventStoreError, ReadStoreError: nothing has changed.
        """
        async with self._store.rebuilding(projector.name):
            await self._check_goes_on(projector.name)
            before = await self.retired(projector)
            if before is None:
                raise Refused(
                    f"No generation of {projector.name} served before.", code="nothing-to-switch"
                )
            await self._check_is_ours(projector, before)
            try:
                async with Lease(self._store, before, "following").held():
                    await self._catch_up(projector).to_head(before)
                await self._store.activate(before)
            except BaseException:
                await asyncio.shield(self._give_up(before))
                raise
            return Outcome(projector.name, before.number, switched=True)

    async def compare(self, projector: AnyProjector) -> Comparison:
        """Compare what serves with what was built beside it, or else with what served before.

        Raises:
            Refused: there is nothing to compare with.
            EventStoreError, ReadStoreError.
        """
        active = await self._active(projector)
        other = await self.built(projector)
        if active is not None and other is not None:
            return await compare(self._events, self._store, active, other)
        other = await self.retired(projector)
        if active is None or other is None:
            raise Refused(
                f"{projector.name} has no second generation to compare with.",
                code="nothing-to-compare",
            )
        return await compare(self._events, self._store, other, active)

    async def built(self, projector: AnyProjector) -> Generation | None:
        """The generation that was built and not switched to."""
        rebuilds = await self._store.rebuilds(projector.name)
        built = [it.generation for it in rebuilds if it.phase == "built"]
        return built[-1] if built else None

    async def retired(self, projector: AnyProjector) -> Generation | None:
        """The generation that served before."""
        generations = await self._store.generations(projector.name)
        retired = [one for one in generations if one.state == "retired"]
        return retired[-1] if retired else None

    async def _begin(self, projector: AnyProjector) -> Lease:
        total = await self._count(projector.categories) or 0
        made = await self._store.begin_rebuild(
            projector.document_type,
            fingerprint(projector),
            total=total,
            lease_seconds=LEASE_SECONDS,
        )
        return Lease(self._store, made, "loading", total=total, report=self._report)

    async def _replay(self, projector: AnyProjector, lease: Lease) -> None:
        await replay(
            self._events,
            self._store,
            projector,
            lease.generation,
            lease.replayed,
            page_size=self._page_size,
            in_shares=self._in_shares,
        )

    async def _follow_and_compare(self, projector: AnyProjector, lease: Lease) -> Comparison | None:
        await lease.enter("following")
        catch_up = self._catch_up(projector)
        await catch_up.to_head(lease.generation)
        active = await self._active(projector)
        comparison = None
        if active is not None:
            await catch_up.also(active)
            comparison = await compare(self._events, self._store, active, lease.generation)
        await lease.enter("built")
        return comparison

    async def _switch_unless_parked(self, generation: Generation, *, switch: bool) -> Outcome:
        name = generation.projection
        parked = await self._store.parked(generation)
        if not switch or parked:
            return Outcome(name, generation.number, switched=False, parked=parked)
        before = active_of(await self._store.generations(name))
        await self._store.activate(generation)
        await drop_retired_except(self._store, before or generation)
        return Outcome(name, generation.number, switched=True)

    async def _active(self, projector: AnyProjector) -> Generation | None:
        """The generation that serves, if it is of this event store."""
        active = active_of(await self._store.generations(projector.name))
        if active is None or not await is_trusted(self._events, self._store, active):
            return None
        return active

    async def _check_goes_on(self, projection: str) -> None:
        """A generation is brought up to date first, and a paused projection stands still."""
        if await self._store.is_paused(projection):
            raise Refused(f"{projection} is paused; resume it first.", code="paused")

    async def _check_is_ours(self, projector: AnyProjector, generation: Generation) -> None:
        if generation.fingerprint != fingerprint(projector):
            raise Refused(
                f"Generation {generation.number} of {projector.name} was made by other code, which "
                "alone can bring it up to date.",
                code="other-code",
            )
        if not await is_trusted(self._events, self._store, generation):
            raise Refused(
                f"Generation {generation.number} of {projector.name} was made from another event "
                "store, or shows events that this one has lost.",
                code="other-event-store",
            )

    def _catch_up(self, projector: AnyProjector) -> CatchUp:
        return CatchUp(
            self._events,
            self._store,
            projector,
            self._own,
            patience=self._patience,
            number_of=self._number_of,
        )

    async def _give_up(self, generation: Generation) -> None:
        for one in await self._store.generations(generation.projection):
            if one.number == generation.number and one.state == "building":
                await self._store.drop(one)
                return
        await self._store.end_rebuild(generation)
