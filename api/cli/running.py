"""Runs what a command does, and turns everything expected to go wrong into one clear line."""

from __future__ import annotations

import asyncio
import signal
import threading
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
TERMINATED = 143
"""Exit code of a command that SIGTERM ended."""


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
    """Open the application, do the work, close it; errors end as `failing_clearly` says.

    SIGTERM ends it as Ctrl-C does: what was begun is put in order first.
    """

    async def opened() -> T:
        task = asyncio.current_task()
        if task is not None and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with open_application() as application:
            return await work(application)

    with failing_clearly():
        try:
            return asyncio.run(opened())
        except asyncio.CancelledError:
            raise typer.Exit(TERMINATED) from None


def _told(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
