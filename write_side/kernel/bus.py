"""From a command to its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from contracts.commands.base import Command
from contracts.errors import Refused, Unavailable
from event_store.codec import NewerSchemaVersion
from event_store.errors import (
    AppendOutcomeUnknown,
    BatchTooLarge,
    EventStoreError,
)
from write_side.kernel.context import Answer, CommandContext

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
            return await self._handlers[type(command)](command, context)


@contextmanager
def in_terms_of_the_domain() -> Generator[None]:
    """Turn the event store's errors into those that callers are told."""
    try:
        yield
    except BatchTooLarge as error:
        raise Refused(str(error), code="too-much-at-once") from error
    except AppendOutcomeUnknown as error:
        raise Unavailable("Whether it was written is not known; ask again.") from error
    except NewerSchemaVersion as error:
        raise Unavailable(f"Newer software wrote what this needs: {error}") from error
    except EventStoreError as error:
        raise Unavailable(f"The event store can't do it now: {error}") from error
