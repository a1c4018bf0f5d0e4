"""All services of the server, with their methods."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc

from event_store.dev_server.batches import BatchCall
from event_store.dev_server.gossip import Gossip
from event_store.dev_server.protocol import gossip_pb2, shared_pb2
from event_store.dev_server.protocol import streams_pb2 as streams
from event_store.dev_server.reading import Reading
from event_store.dev_server.rpc import (
    Admit,
    Call,
    collecting,
    conversing,
    service,
    streaming,
    unary,
)
from event_store.dev_server.writing import Writing


def streams_service(reading: Reading, writing: Writing, admit: Admit) -> grpc.GenericRpcHandler:
    """Reading and writing streams."""

    async def batch_append(requests: AsyncIterator[streams.BatchAppendReq], call: Call) -> None:
        await BatchCall(writing, call).serve(requests)

    methods = {
        "Read": streaming(streams.ReadReq, streams.ReadResp, reading.read),
        "Append": collecting(streams.AppendReq, streams.AppendResp, writing.append),
        "BatchAppend": conversing(streams.BatchAppendReq, streams.BatchAppendResp, batch_append),
        "Delete": unary(streams.DeleteReq, streams.DeleteResp, writing.delete),
        "Tombstone": unary(streams.TombstoneReq, streams.TombstoneResp, writing.tombstone),
    }
    return service("event_store.client.streams.Streams", methods, admit)


def gossip_service(gossip: Gossip, admit: Admit) -> grpc.GenericRpcHandler:
    """Finding the leader."""
    methods = {"Read": unary(shared_pb2.Empty, gossip_pb2.ClusterInfo, gossip.read)}
    return service("event_store.client.gossip.Gossip", methods, admit)
