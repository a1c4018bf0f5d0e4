"""Runs one service as a process: health from the first moment on, and a clean end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import structlog
import typer
import uvloop

from api.cli.application import CannotOpen
from bootstrap.front import Front
from bootstrap.serve import StoppableServer, listening, server_config, url_of
from bootstrap.settings import Settings
from event_store.errors import EventStoreError
from read_side.port import ReadStoreError

Work = Callable[[Settings, Front], Awaitable[None]]
"""What a service does until it is cancelled."""
_EXPECTED = (CannotOpen, EventStoreError, ReadStoreError, OSError)
_log = structlog.get_logger(__name__)


def serve_service(settings: Settings, name: str, what: str, work: Work) -> None:
    """Run it until told to stop by SIGINT or SIGTERM; what was begun is finished.

    Args:
        settings: how.
        name: as in `orderlog serve <name>`.
        what: what it does, in words, for the line that says that it runs.
        work: does it.

    Raises:
        CannotOpen: the address is taken, or the service ended by itself.
        EventStoreError, ReadStoreError, OSError: as `work` raises.
    """
    with listening(settings) as listener:
        typer.echo(f"orderlog {name}: {url_of(listener)} ({what})")
        uvloop.run(_serve(settings, listener, name, work))


async def _serve(settings: Settings, listener: socket.socket, name: str, work: Work) -> None:
    front = Front(name)
    server = StoppableServer(server_config(front))
    working = asyncio.ensure_future(work(settings, front))
    working.add_done_callback(lambda _: server.stop())
    try:
        await server.serve(sockets=[listener])
    finally:
        working.cancel()
        await asyncio.wait([working])
    if working.cancelled():
        return
    error = working.exception()
    if isinstance(error, _EXPECTED):
        raise error
    if error is not None:
        _log.error("the service failed", exc_info=error)
    raise CannotOpen(f"{name} ended by itself: {error!r}") from error
