"""All services of the server, with their methods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import grpc

from event_store.dev_server import server_features
from event_store.dev_server.batches import BatchCall
from event_store.dev_server.gossip import Gossip
from event_store.dev_server.persistent import PersistentSubscriptions
from event_store.dev_server.protocol import gossip_pb2, persistent_pb2, shared_pb2
from event_store.dev_server.protocol import streams_pb2 as streams
from event_store.dev_server.reading import Reading
from event_store.dev_server.rpc import (
    Admit,
    Call,
    Method,
    collecting,
    conversing,
    service,
    streaming,
    unary,
)
from event_store.dev_server.server_features import ServerFeatures, SupportedMethods
from event_store.dev_server.writing import Writing

Methods = Mapping[str, Method]
_GROUPS = "event_store.client.persistent_subscriptions.PersistentSubscriptions"


def handlers(
    reading: Reading,
    writing: Writing,
    gossip: Gossip,
    groups: PersistentSubscriptions,
    admit: Admit,
) -> list[grpc.GenericRpcHandler]:
    """What gRPC calls for every method there is."""
    services: dict[str, Methods] = {
        "event_store.client.streams.Streams": _streams(reading, writing),
        "event_store.client.gossip.Gossip": {
            "Read": unary(shared_pb2.Empty, gossip_pb2.ClusterInfo, gossip.read)
        },
        _GROUPS: _groups(groups),
    }
    features = ServerFeatures(services)
    services[_GROUPS] = {**services[_GROUPS], **_unsupported(groups)}
    services[server_features.NAME] = {
        "GetSupportedMethods": unary(
            shared_pb2.Empty, SupportedMethods, features.get_supported_methods
        )
    }
    return [service(name, methods, admit) for name, methods in services.items()]


def _streams(reading: Reading, writing: Writing) -> Methods:
    async def batch_append(requests: AsyncIterator[streams.BatchAppendReq], call: Call) -> None:
        await BatchCall(writing, call).serve(requests)

    return {
        "Read": streaming(streams.ReadReq, streams.ReadResp, reading.read),
        "Append": collecting(streams.AppendReq, streams.AppendResp, writing.append),
        "BatchAppend": conversing(streams.BatchAppendReq, streams.BatchAppendResp, batch_append),
        "Delete": unary(streams.DeleteReq, streams.DeleteResp, writing.delete),
        "Tombstone": unary(streams.TombstoneReq, streams.TombstoneResp, writing.tombstone),
    }


def _groups(groups: PersistentSubscriptions) -> Methods:
    protocol = persistent_pb2
    return {
        "Create": unary(protocol.CreateReq, protocol.CreateResp, groups.create),
        "Update": unary(protocol.UpdateReq, protocol.UpdateResp, groups.update),
        "Delete": unary(protocol.DeleteReq, protocol.DeleteResp, groups.delete),
        "List": unary(protocol.ListReq, protocol.ListResp, groups.list),
    }


def _unsupported(groups: PersistentSubscriptions) -> Methods:
    protocol = persistent_pb2
    return {
        "Read": conversing(protocol.ReadReq, protocol.ReadResp, groups.unsupported),
        "GetInfo": unary(protocol.GetInfoReq, protocol.GetInfoResp, groups.unsupported),
        "ReplayParked": unary(
            protocol.ReplayParkedReq, protocol.ReplayParkedResp, groups.unsupported
        ),
        "RestartSubsystem": unary(shared_pb2.Empty, shared_pb2.Empty, groups.unsupported),
    }
