"""Who may connect: everybody without credentials, else who knows the user and the password."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hmac import compare_digest

import grpc

from event_store.dev_server.rpc import Admit, Metadata
from event_store.dev_server.statuses import access_denied


@dataclass(frozen=True, slots=True)
class Credentials:
    """Certificate and key of the server, in PEM, and the one user that it knows."""

    certificate: bytes
    key: bytes = field(repr=False)
    user: str
    password: str = field(repr=False)

    def of_server(self) -> grpc.ServerCredentials:
        """What gRPC encrypts connections with."""
        return grpc.ssl_server_credentials([(self.key, self.certificate)])


def admission(credentials: Credentials | None) -> Admit:
    """What lets calls in."""
    if credentials is None:
        return _everybody
    pair = f"{credentials.user}:{credentials.password}".encode()
    expected = b"Basic " + b64encode(pair)

    def admit(metadata: Metadata) -> None:
        given = next((value for name, value in metadata if name == "authorization"), "")
        given = given.encode() if isinstance(given, str) else given
        if not compare_digest(given, expected):
            raise access_denied()

    return admit


def _everybody(metadata: Metadata) -> None:
    """Nobody is asked who they are."""
