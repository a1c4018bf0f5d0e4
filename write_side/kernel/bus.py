"""From a command to its handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

import structlog

from contracts.commands.base import Command
from contracts.errors import Damaged, DomainError, Refused, Unavailable
from event_store.codec import CodecError, NewerSchemaVersion
from event_store.errors import (
    AppendOutcomeUnknown,
    BatchTooLarge,
    EventStoreError,
)
from write_side.kernel.context import Answer, CommandContext

PATIENCE_SECONDS = 8.0
"""How long a caller waits, turns included, when the event store takes too long to answer."""
_log = structlog.get_logger(__name__)
Handler = Callable[[Any, CommandContext], Awaitable[Answer]]
"""Takes one type of command, with its own dependencies already bound."""


class CommandBus:
    """Hands each command to the one handler of its type."""

    def __init__(self, handlers: Mapping[type[Command], Handler]) -> None:
        """Use these handlers, by the type of command."""
        self._handlers = dict(handlers)

    async def handle(self, command: Command, context: CommandContext) -> Answer:
        """Carry out a command.

        Raises:
            DomainError: it was refused, or can't be carried out now; nothing has changed, save
                where `Unavailable` says that this is not known.
        """
        with in_terms_of_the_domain():
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._handlers[type(command)](command, context)


class in_terms_of_the_domain:  # noqa: N801 - reads as what it does
    """A context that turns the event store's errors into those that callers are told.

    A class, because each command passes through it: a generator takes several times as long.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raise what callers are told, if it is one of those.

        Raises:
            DomainError: in place of an error of the event store.
        """
        if error is not None and (told := _told(error)) is not None:
            raise told from error


def _told(error: BaseException) -> DomainError | None:
    if isinstance(error, BatchTooLarge):
        return Refused(str(error), code="too-much-at-once")
    if isinstance(error, AppendOutcomeUnknown):
        return Unavailable("Whether it was written is not known; ask again.")
    if isinstance(error, TimeoutError):
        return Unavailable("It took too long; whether it was done is not known. Ask again.")
    if isinstance(error, NewerSchemaVersion):
        return Unavailable(f"Newer software wrote what this needs: {error}")
    if isinstance(error, CodecError):
        _log.error("a command needs an event that can't be read", error=str(error))
        return Damaged(f"What is recorded can't be read: {error}")
    if isinstance(error, EventStoreError):
        return Unavailable(f"The event store can't do it now: {error}")
    return None
