from __future__ import annotations

from esdbclient.protos.Grpc import gossip_pb2, gossip_pb2_grpc, shared_pb2


async def test_7_1_gossip_names_one_leader(raw):
    """7.1: members with state, address and port; exactly one leads, and it is alive."""
    gossip = gossip_pb2_grpc.GossipStub(raw.channel)

    reply = await gossip.Read(shared_pb2.Empty(), **raw.given)

    leaders = [one for one in reply.members if one.state == gossip_pb2.MemberInfo.Leader]
    [leader] = leaders
    assert leader.is_alive
    assert leader.http_end_point.address
    assert leader.http_end_point.port > 0
    assert leader.instance_id.WhichOneof("value")
