"""A client that dies within its appends: `python -m ... <port> <number of calls>`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from uuid import uuid4

import grpc
from esdbclient.protos.Grpc import shared_pb2, streams_pb2, streams_pb2_grpc


async def _begin_appends(port: str, count: int) -> None:
    options = streams_pb2.AppendReq.Options(
        stream_identifier=shared_pb2.StreamIdentifier(stream_name=b"s-1"), any=shared_pb2.Empty()
    )
    event = streams_pb2.AppendReq.ProposedMessage(
        id=shared_pb2.UUID(string=str(uuid4())),
        metadata={"type": "Happened", "content-type": "application/json"},
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = streams_pb2_grpc.StreamsStub(channel)
        calls = [stub.Append() for _ in range(count)]
        for call in calls:
            await call.write(streams_pb2.AppendReq(options=options))
            await call.write(streams_pb2.AppendReq(proposed_message=event))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(_begin_appends(sys.argv[1], int(sys.argv[2])))
