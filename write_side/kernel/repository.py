"""Loads aggregates by replay and carries out commands on them, one at a time for each stream."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar, cast

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from contracts.commands.base import Command
from contracts.errors import Damaged, DomainError, Forbidden, NotFound, Unavailable, VersionMismatch
from contracts.events.base import Event
from contracts.ids import new_uuid
from contracts.metadata import Idempotency
from event_store.chain import Chain
from event_store.codec import (
    UnknownEventType,
    decode_event,
    decode_replay_metadata,
    encode_unchained,
)
from event_store.errors import WrongExpectedVersion
from event_store.port import (
    NO_VERSION,
    Appended,
    EventStore,
    NewEvent,
    SnapshotStore,
    StreamState,
)
from write_side.kernel.aggregate import Aggregate
from write_side.kernel.appending import append_surely, event_metadata
from write_side.kernel.context import Answer, CommandContext
from write_side.kernel.recent import Recent
from write_side.kernel.snapshots import Snapshots
from write_side.kernel.turns import Turns

A = TypeVar("A", bound=Aggregate)
Ids = Mapping[str, str]
Decide = Callable[[A], Awaitable[Ids | None]]
"""Calls the aggregate's verb; returns ids of what was made, for the answer."""
BeforeAppend = Callable[[A, Sequence[NewEvent]], Awaitable[None]]
"""Takes the aggregate and its new events, whose ids stay, and does what has to come first."""

_DEADLINE_SECONDS = 5.0
_NOTHING: Ids = {}


class Repository(Generic[A]):
    """The aggregates of one type."""

    def __init__(
        self,
        aggregate_type: type[A],
        events: EventStore,
        snapshots: SnapshotStore,
        *,
        fingerprint_key: bytes,
        chain: Chain,
        snapshot_every: int = 100,
    ) -> None:
        """Use these stores; a snapshot is kept each `snapshot_every` events.

        The key makes fingerprints of requests; the chain keeps the events from being changed.
        """
        self.aggregate_type = aggregate_type
        self._events = events
        self._snapshots = Snapshots(snapshots, snapshot_every)
        self._key = fingerprint_key
        self._chain = chain
        self._turns = Turns()
        self._looked_up: Recent[A] = Recent()
        self._changed: Recent[A] = Recent()

    def stream(self, aggregate_id: str) -> str:
        """The name of the aggregate's stream."""
        return f"{self.aggregate_type.CATEGORY}-{aggregate_id}"

    async def load(self, aggregate_id: str, *, version: int | None = None) -> A:
        """The aggregate as of now or of a version, by replay; blank if nothing happened to it."""
        aggregate = self.aggregate_type.blank(aggregate_id)
        if version is None:
            await self._snapshots.restore(aggregate)
        await self._follow(aggregate, version)
        return aggregate

    async def look_up(self, aggregate_id: str) -> A:
        """The aggregate as of now, to look at only: it is shared with whoever looks it up too.

        Never one that a command is about to change: what is seen has been appended.
        """
        aggregate = await self._newest(aggregate_id, self._looked_up)
        self._looked_up.put(aggregate)
        return aggregate

    async def _newest(self, aggregate_id: str, recent: Recent[A]) -> A:
        aggregate = recent.take(aggregate_id)
        if aggregate is None:
            return await self.load(aggregate_id)
        # Mostly nothing has happened since, which is quicker to ask than to read nothing.
        if await self._events.stream_version(aggregate.stream) > aggregate.version:
            await self._follow(aggregate, None)
        return aggregate

    async def _follow(self, aggregate: A, last: int | None) -> None:
        for recorded in await self._events.read_stream(
            aggregate.stream, first=aggregate.version + 1, last=last
        ):
            metadata = decode_replay_metadata(recorded)
            try:
                decode_event(recorded, metadata).mutate(aggregate)
            except UnknownEventType:
                aggregate.pass_over(recorded.version, metadata.occurred_at)
            aggregate.remember(metadata, recorded.version)

    async def existing(self, aggregate_id: str) -> A:
        """The aggregate as of now.

        Raises:
            NotFound: nothing ever happened to it.
        """
        aggregate = await self.load(aggregate_id)
        if not aggregate.exists:
            raise self.not_found(aggregate_id)
        return aggregate

    def not_found(self, aggregate_id: str) -> NotFound:
        """The error to raise when there is no such aggregate."""
        name = self.aggregate_type.NAME
        return NotFound(f"There is no {name} {aggregate_id}.", code=f"{name}-not-found")

    def turn(self, aggregate_id: str) -> asyncio.Lock:
        """The lock to hold while nobody else of this process may change the aggregate."""
        return self._turns.of(self.stream(aggregate_id))

    async def create(
        self,
        aggregate_id: str,
        command: Command,
        context: CommandContext,
        decide: Decide[A],
        before_append: BeforeAppend[A] | None = None,
    ) -> Answer:
        """Carry out a command that makes an aggregate; see `change`."""
        # Without a key the id is a new one: there is nothing to load.
        fresh = context.idempotency_key is None
        return await self._carry_out(aggregate_id, command, context, decide, before_append, fresh)

    async def change_or_create(
        self,
        aggregate_id: str,
        command: Command,
        context: CommandContext,
        decide: Decide[A],
        before_append: BeforeAppend[A] | None = None,
    ) -> Answer:
        """Carry out a command on an aggregate that may not exist yet; see `change`."""
        return await self._carry_out(aggregate_id, command, context, decide, before_append)

    async def change(
        self,
        aggregate_id: str,
        command: Command,
        context: CommandContext,
        decide: Decide[A],
        before_append: BeforeAppend[A] | None = None,
    ) -> Answer:
        """Carry out a command on an aggregate.

        `before_append` runs once something was decided, just before it is appended; when it
        raises `WrongExpectedVersion` (of any stream) all begins again with a reload.

        Raises:
            NotFound: there is none.
            VersionMismatch: it is not at the version the caller expected.
            IdempotencyKeyReused: the caller's key came with another request before.
            Unavailable: others kept changing it, or the store did not answer, until the deadline.
        """

        async def on_existing(aggregate: A) -> Ids | None:
            if not aggregate.exists:
                raise self.not_found(aggregate_id)
            return await decide(aggregate)

        return await self._carry_out(aggregate_id, command, context, on_existing, before_append)

    async def _carry_out(
        self,
        aggregate_id: str,
        command: Command,
        context: CommandContext,
        decide: Decide[A],
        before_append: BeforeAppend[A] | None,
        fresh: bool = False,
    ) -> Answer:
        attempt = partial(self._attempt, aggregate_id, command, context, decide, before_append)
        if not fresh:
            return await self._in_turn(aggregate_id, attempt)
        try:
            return await attempt(fresh=True)
        except WrongExpectedVersion:  # It is not new after all.
            return await self._in_turn(aggregate_id, attempt)

    async def _in_turn(self, aggregate_id: str, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        async with self.turn(aggregate_id):
            try:
                return await attempt()
            except WrongExpectedVersion as error:
                _check_nothing_is_lost(error)
                return await _again(attempt)

    async def _attempt(
        self,
        aggregate_id: str,
        command: Command,
        context: CommandContext,
        decide: Decide[A],
        before_append: BeforeAppend[A] | None,
        fresh: bool = False,
    ) -> Answer:
        if fresh:
            aggregate = self.aggregate_type.blank(aggregate_id)
        else:
            aggregate = await self._newest(aggregate_id, self._changed)
        answer = await self._answer(aggregate, command, context, decide, before_append)
        if not fresh:  # Most new ones are quick to load, should there be another command at all.
            self._changed.put(aggregate)
        return answer

    async def _answer(
        self,
        aggregate: A,
        command: Command,
        context: CommandContext,
        decide: Decide[A],
        before_append: BeforeAppend[A] | None,
    ) -> Answer:
        key, fingerprint = context.key(), None
        if key is not None:
            fingerprint = self._fingerprint(command)
            earlier = aggregate.earlier_answer(key, fingerprint)
            if earlier is not None:
                return await self._unchanged(aggregate, earlier.version, earlier.ids)
        try:
            ids = await _decide(aggregate, context, decide)
        except DomainError:
            if not aggregate.pending_events:
                self._changed.put(aggregate)
            raise
        if not aggregate.pending_events:
            return await self._unchanged(aggregate, aggregate.version, ids)
        idempotency = Idempotency(key, fingerprint, dict(ids)) if key and fingerprint else None
        appended = await self.save(
            aggregate, command.command_name(), context, idempotency, before_append
        )
        return Answer(aggregate.id, aggregate.stream, appended.version, appended.position, ids)

    async def _unchanged(self, aggregate: A, version: int, ids: Ids) -> Answer:
        """The answer to a command that left nothing new: as of what was there before."""
        events = await self._events.read_stream(aggregate.stream, first=version, last=version)
        position = events[0].position if events else None
        return Answer(aggregate.id, aggregate.stream, version, position, ids)

    async def save(
        self,
        aggregate: A,
        command: str,
        context: CommandContext,
        idempotency: Idempotency | None = None,
        before_append: BeforeAppend[A] | None = None,
    ) -> Appended:
        """Append what the aggregate triggered, at the version it was loaded at.

        Raises:
            WrongExpectedVersion: another writer was faster.
            Unavailable: whether it was written could not be found out in time.
        """
        new = self.prepare(aggregate, command, context, idempotency)
        before = aggregate.version - len(new)
        expected = StreamState.NO_STREAM if before == NO_VERSION else before
        if before_append is not None:
            await before_append(aggregate, new)
        appended = await append_surely(self._events, aggregate.stream, new, expected)
        if idempotency is not None:
            aggregate.keep(idempotency, aggregate.version)
        await self._snapshots.keep_if_due(aggregate, before)
        return appended

    def prepare(
        self,
        aggregate: A,
        command: str,
        context: CommandContext,
        idempotency: Idempotency | None = None,
    ) -> Sequence[NewEvent]:
        """What the aggregate triggered, ready to be appended at the version it was loaded at.

        Each event is chained to the one before it, so they fit at no other version.
        """
        pending = cast("Sequence[Event]", aggregate.collect_events())
        events = [
            encode_unchained(
                event, event_metadata(event, command, context, idempotency), new_uuid()
            )
            for event in pending
        ]
        first = aggregate.version - len(events) + 1
        new, aggregate.last_hash = self._chain.chained(
            aggregate.stream, first, aggregate.last_hash, events
        )
        return new

    def _fingerprint(self, command: Command) -> str:
        return hmac.digest(self._key, command.whole_body(), "sha256").hex()[:32]


async def _decide(aggregate: A, context: CommandContext, decide: Decide[A]) -> Ids:
    """Let it decide, and hold its version against `If-Match`.

    A wrong version comes before a refusal, but who may not see the aggregate or may not do this
    is told just that, and learns nothing of the version.
    """
    expected, found = context.expected_version, aggregate.version
    mismatch = None
    if expected not in (None, found):
        mismatch = VersionMismatch(f"The {aggregate.NAME} is at version {found}, not {expected}.")
    try:
        ids = await decide(aggregate)
    except DomainError as refusal:
        if mismatch is None or isinstance(refusal, NotFound | Forbidden):
            raise
        raise mismatch from refusal
    if mismatch is not None:
        raise mismatch
    return ids or _NOTHING


def _check_nothing_is_lost(error: WrongExpectedVersion) -> None:
    """A stream never gets shorter, unless its end was lost while a snapshot of it was kept.

    Raises:
        Damaged: it has become shorter.
    """
    if isinstance(error.expected, int) and error.current < error.expected:
        raise Damaged(
            f"The event store has lost the end of {error.stream}: it is at version "
            f"{error.current}, and was at {error.expected}."
        ) from error


async def _again(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(WrongExpectedVersion),
        wait=wait_random(0.001, 0.05),
        stop=stop_after_delay(_DEADLINE_SECONDS),
        reraise=True,
    )
    try:
        return await retrying(attempt)
    except WrongExpectedVersion as error:
        raise Unavailable(f"Others keep changing {error.stream}; try again.") from error
