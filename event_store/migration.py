"""Moves the whole history of one store into another, to be gone on with at any time.

The target must hold a beginning of the source's history, nothing at first: what is there is held
against the source event by event, and the rest is appended. Nothing is kept elsewhere, so a
migration that was killed goes on when it is begun again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from event_store.accounts import Account, CannotMove, Summary, named
from event_store.chain import Chain
from event_store.errors import AppendOutcomeUnknown, EventStoreUnavailable
from event_store.inspection import Stored, walk_of
from event_store.port import Position, RecordedEvent, WholeEventStore

_PAGE = 2_000
_ASPECTS = ("id", "type", "data", "metadata", "recorded_at")

Progress = Callable[[int], None]
"""Takes how many more events are done."""
Watch = Callable[[str, int | None], AbstractContextManager[Progress]]
"""Shows a step, by its name and how many events it has."""


class MigrationEnd(Protocol):
    """A store that events are moved from, or to."""

    @property
    def store(self) -> WholeEventStore:
        """The store itself."""
        ...

    def original(self, stored: RecordedEvent) -> RecordedEvent:
        """An event of this store as it was recorded first, wherever that was."""
        ...

    def check(self, original: RecordedEvent) -> None:
        """Return when the event could be written here.

        Raises:
            CannotMove: it can't.
        """
        ...

    async def take(self, originals: Sequence[RecordedEvent], written: Progress) -> None:
        """Write the next events, or keep some for later; `written` hears of each write.

        Raises:
            EventStoreError: they could not be written.
        """
        ...

    async def finish(self, written: Progress) -> None:
        """Write what was kept."""
        ...


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was moved."""

    history: Summary
    already_there: int
    """Events that the target held before."""
    checkpoints: Mapping[str, Position]
    """By subscriber: how far it is, as a position of the target."""
    parked: int
    """Parked streams."""


@dataclass(slots=True)
class _Beginning:
    """How much of the source the target holds."""

    events: int = 0
    end: Position | None = None


class Migration:
    """Moves one history once. Nobody else may write to either store meanwhile."""

    def __init__(
        self,
        source: MigrationEnd,
        target: MigrationEnd,
        *,
        chain: Chain,
        all_hashed: bool,
        subscribers: Collection[str],
        watch: Watch,
    ) -> None:
        """Prepare; `run` does the work.

        Args:
            source: has the history.
            target: has nothing yet, or a beginning of it.
            chain: of the key that events were recorded with.
            all_hashed: whether it is certain that each event was recorded with a hash.
            subscribers: those that have checkpoints.
            watch: shows the steps.
        """
        self._source = source
        self._target = target
        self._new_account = partial(Account, chain, all_hashed=all_hashed)
        self._subscribers = subscribers
        self._watch = watch
        self._last: Position | None = None
        self._checkpoints: dict[str, Position] = {}
        self._reached: dict[str, RecordedEvent] = {}

    async def run(self) -> Migrated:
        """Move all events, check them in the target, then move what subscribers remember.

        Raises:
            CannotMove: the source can't be moved or was written meanwhile, or the target holds
                other events.
            EventStoreError: a store failed.
        """
        history = await self._look_at_source()
        there = await self._compare(history.events)
        if await self._source.store.identity() == await self._target.store.identity():
            raise CannotMove("Source and target are the same store.")
        await self._move(there, history.events)
        await self._check_target(history)
        checkpoints, parked = await self._move_memory()
        return Migrated(history, there.events, checkpoints, parked)

    async def _look_at_source(self) -> Summary:
        """Count everything and refuse what the target can't take, before anything is sent."""
        account = self._new_account()
        for name in self._subscribers:
            checkpoint = await self._source.store.load_checkpoint(name)
            if checkpoint is not None:
                self._checkpoints[name] = checkpoint
        with self._watch("checking the source", None) as progress:
            async for page in _all_that_is_kept(self._source):
                for stored in page:
                    _refuse_strange(stored)
                    self._look_at(stored.event, account)
                progress(len(page))
        if self._last is None:
            raise CannotMove("The source has no events: there is nothing to move.")
        return account.summary()

    def _look_at(self, event: RecordedEvent, account: Account) -> None:
        original = self._source.original(event)
        self._target.check(original)
        account.take(event, original)
        self._last = position = event.position
        for name, checkpoint in self._checkpoints.items():
            if position <= checkpoint:
                self._reached[name] = original

    async def _compare(self, total: int) -> _Beginning:
        """How much of the source is there already.

        Raises:
            CannotMove: something else is there.
        """
        there = _Beginning()
        with self._watch("comparing what is there", total) as progress:
            async with aclosing(_each(self._source)) as originals:
                async for page in _pages(self._target):
                    for event in page:
                        original = await anext(originals, None)
                        _refuse_difference(original, self._target.original(event))
                        there.events += 1
                        there.end = original.position if original else None
                    progress(len(page))
        return there

    async def _move(self, there: _Beginning, total: int) -> None:
        moved = 0
        with self._watch("moving", total) as progress:

            def written(events: int) -> None:
                nonlocal moved
                moved += events
                progress(events)

            written(there.events)
            try:
                async for page in _pages(self._source, after=there.end, last=self._last):
                    await self._target.take(list(map(self._source.original, page)), written)
                await self._target.finish(written)
            except (EventStoreUnavailable, AppendOutcomeUnknown) as error:
                raise type(error)(
                    f"{error}. {moved} of {total} events are moved; the same command goes on."
                ) from error

    async def _check_target(self, history: Summary) -> None:
        after = await self._source.store.read_all(after=self._last, limit=1)
        if after.events:
            raise CannotMove(
                "Somebody wrote to the source meanwhile. Stop whatever does; the same command "
                "moves the rest."
            )
        account = self._new_account()
        with self._watch("checking the target", history.events) as progress:
            async for page in _pages(self._target):
                for event in page:
                    account.take(event, self._target.original(event))
                progress(len(page))
        if account.summary() != history:
            await self._compare(history.events)  # This names what differs, if something is there.
            raise CannotMove(f"The target has {account.summary()}, the source {history}.")

    async def _move_memory(self) -> tuple[Mapping[str, Position], int]:
        """Make subscribers go on in the target where they are in the source."""
        parked = await self._source.store.parked()
        ids = {entry.id for entry in parked}
        for entry in await self._target.store.parked():
            if entry.id not in ids:
                await self._target.store.unpark(entry.subscriber, entry.stream)
        for entry in parked:
            await self._target.store.park(entry)
        checkpoints: dict[str, Position] = {}
        for name, event in self._reached.items():
            at = event.version
            (there,) = await self._target.store.read_stream(event.stream, first=at, last=at)
            checkpoints[name] = there.position
            await self._target.store.save_checkpoint(name, there.position)
        return checkpoints, len(parked)


async def _pages(
    end: MigrationEnd, *, after: Position | None = None, last: Position | None = None
) -> AsyncGenerator[Sequence[RecordedEvent]]:
    """All events after a position, up to the position `last` if it is given, page by page."""
    while last is None or after is None or after < last:
        page = await end.store.read_all(after=after, limit=_PAGE)
        events = page.events
        if last is not None and events and events[-1].position > last:
            events = [event for event in events if event.position <= last]
        if events:
            yield events
        if page.at_end:
            return
        after = page.position


async def _each(end: MigrationEnd) -> AsyncGenerator[RecordedEvent]:
    async for page in _pages(end):
        for event in page:
            yield end.original(event)


async def _all_that_is_kept(end: MigrationEnd) -> AsyncGenerator[Sequence[Stored]]:
    """All events, also what readers don't see: it must not be lost without a word."""
    walk = walk_of(end.store)
    for damage in await walk.damage():
        raise CannotMove(f"The source is damaged: {damage}.")
    last = await walk.end()
    if last is None:
        return
    gap = await walk.gap(last)
    if gap is not None:
        raise CannotMove(f"In the source {gap}; there is no place for that in the target.")
    async with aclosing(walk.everything(last)) as pages:
        async for page in pages:
            yield page


def _refuse_strange(stored: Stored) -> None:
    reason = stored.changed or stored.misplaced
    if reason is not None:
        raise CannotMove(f"{named(stored.event)} can't be moved: {reason}.")


def _refuse_difference(original: RecordedEvent | None, there: RecordedEvent) -> None:
    if original is None:
        raise CannotMove(
            f"The target goes on where the source ends, with {named(there)}. Nothing was written."
        )
    if (original.stream, original.version) != (there.stream, there.version):
        raise CannotMove(
            f"The target holds other events: {named(there)} where the source has "
            f"{named(original)}. Nothing was written."
        )
    for aspect in _ASPECTS:
        if getattr(original, aspect) != getattr(there, aspect):
            raise CannotMove(
                f"The target holds other events: {named(there)} has another "
                f"{aspect.replace('_', ' ')} than in the source. Nothing was written."
            )
