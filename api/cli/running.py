"""Runs what a command does, and turns everything expected to go wrong into one clear line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import typer

from api.cli.application import Application, CannotOpen, OpenApplication
from api.cli.output import fail
from contracts.errors import DomainError
from event_store.errors import EventStoreError
from read_side.port import ReadStoreError

T = TypeVar("T")
INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""


@contextmanager
def failing_clearly() -> Generator[None]:
    """End with exit code 1 and a line on stderr when refused or failed; Ctrl-C ends quietly.

    Raises:
        typer.Exit: always instead of the errors that are expected.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read our output has gone: Typer ends quietly.
        raise
    except DomainError as error:
        fail(error.detail)
    except (CannotOpen, EventStoreError, ReadStoreError) as error:
        fail(str(error))
    except OSError as error:
        fail(_told(error))


def run(open_application: OpenApplication, work: Callable[[Application], Awaitable[T]]) -> T:
    """Open the application, do the work, close it; errors end as `failing_clearly` says."""

    async def opened() -> T:
        async with open_application() as application:
            return await work(application)

    with failing_clearly():
        return asyncio.run(opened())


def _told(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
