"""Serves the EventStoreDB protocol from a file, for development and tests."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import typer
import uvloop

from api.cli.application import CannotOpen
from api.cli.running import failing_clearly
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.serve import settle_down
from bootstrap.settings import Settings

if TYPE_CHECKING:
    from event_store.dev_server.access import Credentials

_log = structlog.get_logger(__name__)
_PURPOSE = "this server is for development and tests; in production use EventStoreDB (KurrentDB)"


def add_event_store_server(cli: typer.Typer, settings: Settings) -> None:
    """Add `event-store` to what can be served."""

    @cli.command("event-store")
    def serve_event_store() -> None:  # pyright: ignore[reportUnusedFunction]
        """Serve the protocol of EventStoreDB from a file, for development and tests.

        Listens on ORDERLOG_EVENT_STORE_HOST:ORDERLOG_EVENT_STORE_PORT
        (127.0.0.1:2113); data in ORDERLOG_DATA/event-store-server. In production use EventStoreDB
        or KurrentDB.

        Example: ORDERLOG_EVENT_STORE_PORT=2114 orderlog serve event-store
        """
        with failing_clearly():
            serve_event_store_server(settings)


def serve_event_store_server(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM; what was accepted is written first.

    Raises:
        CannotOpen: it can't be served; the message says why.
        EventStoreError: the file can't be used.
        OSError: the address, or a file of the certificate, can't be used.
    """
    _check_access(settings)
    folder = settings.event_store_data or settings.data / "event-store-server"
    try:
        with owning(folder):
            uvloop.run(_serve(settings, folder))
    except AlreadyOwned as error:
        raise CannotOpen(str(error)) from error
    except ImportError as error:
        raise CannotOpen("The server needs gRPC: pip install '.[services]' in the clone") from error


async def _serve(settings: Settings, folder: Path) -> None:
    # Not part of every installation.
    from event_store.dev_server.server import running_server

    async with running_server(
        folder / "events.db",
        settings.event_store_host,
        settings.event_store_port,
        advertise_host=settings.event_store_advertise_host,
        advertise_port=settings.event_store_advertise_port,
        credentials=_credentials(settings),
        max_append_size=settings.event_store_max_append_size,
    ) as server:
        told_to_stop = asyncio.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, told_to_stop.set)
        _log.warning(_PURPOSE)
        typer.echo(f"The EventStoreDB protocol is served on {server.uri}")
        typer.echo(f"Data in {folder}.")
        settle_down()
        await told_to_stop.wait()


def _check_access(settings: Settings) -> None:
    """Nobody else's machine gets in by accident."""
    given = [
        settings.event_store_certificate,
        settings.event_store_key,
        settings.event_store_password,
    ]
    if any(given) and not all(given):
        raise CannotOpen(
            "ORDERLOG_EVENT_STORE_CERTIFICATE, _KEY and _PASSWORD are needed together."
        )
    host = settings.event_store_host
    if not (any(given) or _is_loopback(host) or settings.event_store_insecure):
        raise CannotOpen(
            f"On {host} other machines could connect and change everything. Set "
            "ORDERLOG_EVENT_STORE_CERTIFICATE, _KEY and _PASSWORD, or allow it with "
            "ORDERLOG_EVENT_STORE_INSECURE=true."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(settings: Settings) -> Credentials | None:
    from event_store.dev_server.access import Credentials

    certificate = settings.event_store_certificate
    key, password = settings.event_store_key, settings.event_store_password
    if certificate is None or key is None or password is None:
        return None
    return Credentials(
        certificate.read_bytes(),
        key.read_bytes(),
        settings.event_store_user,
        password.get_secret_value(),
    )
