"""The development server: opens its file, listens, and ends without losing anything."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from event_store.dev_server.access import Credentials, admission
from event_store.dev_server.database import Database, open_data
from event_store.dev_server.gossip import Gossip
from event_store.dev_server.persistent import PersistentSubscriptions
from event_store.dev_server.reading import Reading
from event_store.dev_server.services import handlers
from event_store.dev_server.writing import Writing

MAX_APPEND_SIZE = 1024 * 1024
WRITE_TIMEOUT = 2.0
"""Seconds until a write that the disk does not take is answered with a timeout."""
_GRACE = 5.0
"""Seconds that calls under way have to end when the server does."""
_OPTIONS = (
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    # Two servers must not share a port: each would get half of the calls.
    ("grpc.so_reuseport", 0),
    # Clients may ask as often as they like whether the connection still lives.
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
)


class CannotListen(OSError):
    """The address is taken, or is none of this machine."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers."""

    host: str
    port: int
    secure: bool

    @property
    def uri(self) -> str:
        """What clients connect with; without user and password."""
        return f"esdb://{_address(self.host, self.port)}?Tls={str(self.secure).lower()}"


@asynccontextmanager
async def running_server(
    path: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    advertise_host: str | None = None,
    advertise_port: int | None = None,
    credentials: Credentials | None = None,
    max_append_size: int = MAX_APPEND_SIZE,
    write_timeout: float = WRITE_TIMEOUT,
) -> AsyncGenerator[RunningServer]:
    """Serve while this lasts; subscriptions still open at its end get UNAVAILABLE.

    Args:
        path: the file; created with its folder when there is none. One server may use it.
        host: address to listen on.
        port: port to listen on; 0 for any free one.
        advertise_host: where clients that look for the leader are sent; `host` if not given.
        advertise_port: the port for them; the one listened on if not given.
        credentials: certificate of the server and user of the clients; without, anybody may
            connect and nothing is encrypted.
        max_append_size: bytes that one append may hold.
        write_timeout: seconds that a write may take.

    Raises:
        EventStoreError: the file can't be used.
        CannotListen: the address can't be used.
    """
    async with open_data(path) as database:
        server = grpc.aio.server(options=_OPTIONS)
        listening = _listen(server, host, port, credentials)
        gossip = Gossip(advertise_host or host, advertise_port or listening)
        writing = Writing(database, max_append_size=max_append_size, write_timeout=write_timeout)
        admit = admission(credentials)
        groups = PersistentSubscriptions(database)
        server.add_generic_rpc_handlers(handlers(Reading(database), writing, gossip, groups, admit))
        await server.start()
        try:
            yield RunningServer(host, listening, credentials is not None)
        finally:
            await _stop(server, database)


async def _stop(server: grpc.aio.Server, database: Database) -> None:
    database.stop()
    await server.stop(_GRACE)


def _listen(server: grpc.aio.Server, host: str, port: int, credentials: Credentials | None) -> int:
    address = _address(host, port)
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials.of_server())
    except RuntimeError as error:
        raise CannotListen(f"{address} can't be listened on: it is taken, or not ours") from error


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
