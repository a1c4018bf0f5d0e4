"""The messages of the protocol, from the modules that the client library ships."""

from __future__ import annotations

from esdbclient.protos.Grpc import (  # pyright: ignore[reportMissingTypeStubs]
    code_pb2,
    gossip_pb2,
    persistent_pb2,
    shared_pb2,
    status_pb2,
    streams_pb2,
)

__all__ = ["code_pb2", "gossip_pb2", "persistent_pb2", "shared_pb2", "status_pb2", "streams_pb2"]
