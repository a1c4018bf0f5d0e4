"""A node that is not the leader says who is; that is followed, wherever the events then are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from esdbclient.protos.Grpc import gossip_pb2, shared_pb2

from event_store.dev_server.server import running_server
from event_store.port import StreamState
from tests.contract.event_store.support import event as new_event
from tests.integration.eventstoredb.seeing import append, subscribed
from tests.support.eventstoredb import HOST, free_port
from tests.support.stores import opened

LEADER, FOLLOWER = 8, 3


class Follower(grpc.GenericRpcHandler):
    """A node that refuses everything but gossip, and says who the leader is.

    `up_to_date`: whether its gossip knows that it is no longer the leader itself.
    """

    def __init__(self, port: int, leader: int, up_to_date: bool) -> None:
        self._ports = {port: FOLLOWER, leader: LEADER}
        if not up_to_date:
            self._ports = {port: LEADER, leader: FOLLOWER}
        self._leader = leader
        self.refused = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        if handler_call_details.method == "/event_store.client.gossip.Gossip/Read":
            return grpc.unary_unary_rpc_method_handler(
                self._gossip, response_serializer=gossip_pb2.ClusterInfo.SerializeToString
            )
        return grpc.stream_stream_rpc_method_handler(self._refuse)

    async def _gossip(self, request: bytes, call: grpc.aio.ServicerContext):
        return gossip_pb2.ClusterInfo(
            members=[
                gossip_pb2.MemberInfo(
                    instance_id=shared_pb2.UUID(string="6f1d0000-0000-4000-8000-000000000000"),
                    state=state,
                    is_alive=True,
                    http_end_point=gossip_pb2.EndPoint(address=HOST, port=port),
                )
                for port, state in self._ports.items()
            ]
        )

    async def _refuse(self, requests: AsyncIterator[bytes], call: grpc.aio.ServicerContext):
        self.refused += 1
        leader = (("leader-endpoint-host", HOST), ("leader-endpoint-port", str(self._leader)))
        await call.abort(
            grpc.StatusCode.NOT_FOUND,
            "Leader info available",
            (("exception", "not-leader"), *leader),
        )
        yield b""


@asynccontextmanager
async def following(port: int, leader: int, *, up_to_date: bool = True) -> AsyncIterator[Follower]:
    """A node on this port that refuses while this lasts."""
    node = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    follower = Follower(port, leader, up_to_date)
    node.add_generic_rpc_handlers((follower,))
    node.add_insecure_port(f"{HOST}:{port}")
    await node.start()
    try:
        yield follower
    finally:
        await node.stop(None)


def uri(*ports: int) -> str:
    hosts = ",".join(f"{HOST}:{port}" for port in ports)
    return f"esdb://{hosts}?Tls=false"


@pytest.mark.parametrize("hosts", [1, 2])
@pytest.mark.parametrize("up_to_date", [True, False])
async def test_asked_a_follower_then_the_leader_is_found_and_kept(
    tmp_path: Path, hosts: int, up_to_date: bool
):
    async with running_server(tmp_path / "events.db") as server:
        port = free_port()
        ports = (port, server.port)[:hosts]
        async with (
            following(port, server.port, up_to_date=up_to_date) as follower,
            opened(uri(*ports)) as store,
        ):
            event = new_event()
            await store.append("order-1", [event], expected=StreamState.NO_STREAM)
            first = follower.refused
            assert [it.id for it in await store.read_stream("order-1")] == [event.id]
            async with aclosing(store.subscribe(categories=["order"])) as deliveries:
                assert [it.id for it in (await anext(deliveries)).events] == [event.id]
            assert follower.refused == first, "the leader is asked from now on"


@pytest.mark.parametrize("hosts", [1, 2])
async def test_leader_changes_under_writers_and_subscribers_then_all_go_on(
    tmp_path: Path, hosts: int
):
    """The node that was the leader comes back as a follower of another, which has its events."""
    ports = [free_port(), free_port()]
    async with AsyncExitStack() as stack:
        async with running_server(tmp_path / "events.db", port=ports[0]):
            store = await stack.enter_async_context(opened(uri(*ports[:hosts])))
            seen = await stack.enter_async_context(subscribed(store))
            before = [await append(store, number) for number in range(5)]
            await seen.at_least(5)
        await stack.enter_async_context(running_server(tmp_path / "events.db", port=ports[1]))
        follower = await stack.enter_async_context(following(*ports))
        # Twenty at once meet the refusal: each finds the leader, and none is sent twice.
        after = await asyncio.gather(*(append(store, number) for number in range(5, 25)))
        await seen.at_least(25)
        assert follower.refused > 0
        assert seen.ids == sorted({*seen.ids}, key=seen.ids.index)
        assert set(seen.ids) == {*before, *after}
        events = (await store.read_all(categories=["order"])).events
        assert [it.id for it in events] == seen.ids
