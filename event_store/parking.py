"""Streams that a subscriber could not go on with, and what operators ask for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog

from contracts.parked import ParkedStream
from event_store.composite import covers
from event_store.errors import (
    AppendOutcomeUnknown,
    EventStoreCorrupt,
    EventStoreReadOnly,
    EventStoreUnavailable,
)
from event_store.port import EventStore, RecordedEvent, SubscriptionStore

Handler = Callable[[RecordedEvent], Awaitable[None]]

INFRASTRUCTURE_ERRORS: tuple[type[Exception], ...] = (
    EventStoreUnavailable,
    AppendOutcomeUnknown,
    EventStoreReadOnly,
    EventStoreCorrupt,
)
"""What is wrong with the store, not with an event: tried again, never parked."""

_log = structlog.get_logger(__name__)


class Parking:
    """Handles events; where the handler fails, parks the stream until an operator says more.

    Later events of a parked stream are passed over, since carrying out a `retry` or `discard`
    reads the stream again, up to where the subscriber is.
    """

    def __init__(
        self,
        name: str,
        handler: Handler,
        events: EventStore,
        memory: SubscriptionStore,
        *,
        retry_on: tuple[type[Exception], ...] = (),
        batch: int = 100,
    ) -> None:
        """Prepare; `load` comes first.

        Args:
            name: of the subscriber.
            handler: does the work for one event.
            events: where streams are read again.
            memory: where parked streams are kept.
            retry_on: errors that say nothing about the event, beside those of the infrastructure.
            batch: events read at once.
        """
        self.transient = INFRASTRUCTURE_ERRORS + retry_on
        self._name = name
        self._handler = handler
        self._events = events
        self._memory = memory
        self._batch = batch
        self._parked: dict[str, ParkedStream] = {}
        self._log = _log.bind(subscriber=name)

    def __contains__(self, stream: str) -> bool:
        return stream in self._parked

    def __len__(self) -> int:
        return len(self._parked)

    async def load(self, is_ours: Callable[[str], bool] = lambda _: True) -> None:
        """Recall what is parked of our streams."""
        entries = await self._memory.parked(self._name)
        self._parked = {entry.stream: entry for entry in entries if is_ours(entry.stream)}

    async def handle(self, event: RecordedEvent) -> bool:
        """Whether it is handled; its stream is parked otherwise, or was already.

        Raises: what is `transient`.
        """
        return event.stream not in self._parked and await self._attempt(event)

    async def carry_out(
        self, reached: Callable[[str], str | None], save: Callable[[], Awaitable[None]]
    ) -> None:
        """Do what operators asked for.

        Args:
            reached: the position up to which events of the stream are behind the subscriber.
            save: makes that durable.
        """
        if not self._parked:
            return
        entries = {entry.stream: entry for entry in await self._memory.parked(self._name)}
        for known in [it for name, it in self._parked.items() if name not in entries]:
            await self._go_on_after(known, reached)
        for entry in entries.values():
            if entry.request is not None and entry.stream in self._parked:
                await self._go_on_with(entry, reached, save)

    async def _attempt(self, event: RecordedEvent) -> bool:
        try:
            await self._handler(event)
        except self.transient:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only this stream may stop
            await self._park(event, error)
            return False
        return True

    async def _park(self, event: RecordedEvent, error: Exception) -> None:
        entry = ParkedStream(
            self._name,
            event.stream,
            event.version,
            event.id,
            f"{type(error).__name__}: {error}",
            datetime.now(UTC),
        )
        await self._memory.park(entry)
        self._parked[event.stream] = entry
        self._log.error(
            "a stream is parked: its event could not be handled",
            stream=event.stream,
            version=event.version,
            event_id=str(event.id),
            error=type(error).__name__,
        )

    async def _go_on_after(
        self, parked: ParkedStream, reached: Callable[[str], str | None]
    ) -> None:
        """Who owned the stream before let it go on, and need not have seen what came since."""
        first = parked.version + 1
        while events := await self._due(parked.stream, first, reached):
            for event in events:
                if not await self._attempt(event):
                    return
            first = events[-1].version + 1
        del self._parked[parked.stream]

    async def _go_on_with(
        self,
        entry: ParkedStream,
        reached: Callable[[str], str | None],
        save: Callable[[], Awaitable[None]],
    ) -> None:
        first = entry.version
        while events := await self._due(entry.stream, first, reached):
            for event in events:
                discarded = entry.request == "discard" and event.version == entry.version
                if not discarded and not await self._attempt(event):
                    return
            first = events[-1].version + 1
        if first == entry.version:
            # A checkpoint older than the parked event: the subscriber comes to it first.
            return
        # In this order a crash between the two can't bring a discarded event back.
        await save()
        await self._memory.unpark(self._name, entry.stream)
        del self._parked[entry.stream]
        self._log.info("a parked stream goes on", stream=entry.stream, request=entry.request)

    async def _due(
        self, stream: str, first: int, reached: Callable[[str], str | None]
    ) -> Sequence[RecordedEvent]:
        events = await self._events.read_stream(stream, first=first, limit=self._batch)
        limit = reached(stream)
        return [event for event in events if covers(limit, event.position)]
