"""Appending what was decided: its metadata, and finding out whether it was written."""

from __future__ import annotations

from collections.abc import Sequence

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from contracts.errors import Unavailable
from contracts.events.base import Event
from contracts.metadata import Idempotency, Metadata
from event_store.errors import (
    AppendOutcomeUnknown,
    EventStoreError,
    EventStoreUnavailable,
    WrongExpectedVersion,
)
from event_store.port import Appended, EventStore, ExpectedVersion, NewEvent
from write_side.kernel.context import CommandContext

_DEADLINE_SECONDS = 5.0


def event_metadata(
    event: Event, command: str, context: CommandContext, idempotency: Idempotency | None = None
) -> Metadata:
    """The metadata of an event that a command led to."""
    return Metadata(
        correlation_id=context.correlation_id,
        causation_id=context.causation_id or context.command_id,
        command_id=context.command_id,
        command=command,
        actor=context.actor,
        source=context.source,
        occurred_at=event.timestamp,
        schema_version=event.SCHEMA_VERSION,
        traceparent=context.traceparent,
        idempotency=idempotency,
    )


async def append_surely(
    store: EventStore, stream: str, events: Sequence[NewEvent], expected: ExpectedVersion
) -> Appended:
    """Append; when the answer is lost, append the same ids again, which finds out.

    Raises:
        WrongExpectedVersion: another writer was faster; nothing was written.
        Unavailable: there was no answer until the deadline.
    """
    try:
        return await store.append(stream, events, expected=expected)
    except AppendOutcomeUnknown:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((AppendOutcomeUnknown, EventStoreUnavailable)),
            wait=wait_random(0.01, 0.2),
            stop=stop_after_delay(_DEADLINE_SECONDS),
            reraise=True,
        )
        try:
            return await retrying(store.append, stream, events, expected=expected)
        except WrongExpectedVersion:
            raise
        except EventStoreError as error:
            raise Unavailable("Whether it was written is not known; ask again.") from error
