"""Serves everything of one data folder in one process."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp

from api.cli.application import CannotOpen
from bootstrap.background import Background, running
from bootstrap.container import Container, open_container
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.settings import Settings
from bootstrap.web import whole_app

Prepare = Callable[[Container, Background, str], Awaitable[None]]
"""Is called with the base URL when everything runs and before the first request is accepted."""

_STOP_SECONDS = 30


def serve(settings: Settings, prepare: Prepare) -> None:
    """Serve until told to stop by SIGINT or SIGTERM; requests that were accepted are finished.

    Raises:
        CannotOpen: the stores can't be opened, the address is taken, or another process serves
            from this folder.
    """
    try:
        with owning(settings.data), listening(settings) as listener:
            uvloop.run(_serve(settings, listener, prepare))
    except AlreadyOwned as error:
        raise CannotOpen(str(error)) from error


def listening(settings: Settings) -> socket.socket:
    """The address of the settings, listened on.

    Raises:
        CannotOpen: it can't be.
    """
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        raise CannotOpen(
            f"{settings.host}:{settings.port} can't be listened on: {error.strerror}. "
            "Another address: ORDERLOG_HOST and ORDERLOG_PORT."
        ) from error


async def _serve(settings: Settings, listener: socket.socket, prepare: Prepare) -> None:
    async with open_container(settings) as container, running(container) as background:
        config = server_config(whole_app(container))
        await prepare(container, background, url_of(listener))
        settle_down()
        await StoppableServer(config).serve(sockets=[listener])


def server_config(app: ASGIApp) -> uvicorn.Config:
    """How an application is served.

    `X-Forwarded-For` is not believed: any caller can send it, and rate limits count by address.
    """
    return uvicorn.Config(
        app,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


class StoppableServer(uvicorn.Server):
    """Ends when told to, and leaves the rest to us.

    Uvicorn itself would send the signal again at its end, which kills the process before
    projections and policies have stopped and the stores are closed.
    """

    def stop(self) -> None:
        """End, as if a signal had asked for it."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop at SIGINT and SIGTERM while this lasts; a second SIGINT does not wait."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self.handle_exit, one, None)
        try:
            yield
        finally:
            for one in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(one)


def url_of(listener: socket.socket) -> str:
    """The base URL of what is served there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def settle_down() -> None:
    """Suit the interpreter to a server: called once all that stays has been made.

    What lives as long as the process is not searched for garbage again and again; the default
    threshold of 700 new objects is passed by a few requests. And the thread that commits, which
    needs the interpreter for an instant only, waits half a millisecond for a busy loop instead of
    five.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.0005)
