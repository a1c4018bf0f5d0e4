"""The service `Gossip`: a cluster of this one node."""

from __future__ import annotations

import time
from uuid import uuid4

from event_store.dev_server.messages import id_message
from event_store.dev_server.protocol import gossip_pb2
from event_store.dev_server.rpc import Call

_TICKS_A_SECOND = 10_000_000


class Gossip:
    """Tells clients that this node leads."""

    def __init__(self, host: str, port: int) -> None:
        """Advertise this address."""
        self._id = uuid4().bytes
        self._end_point = gossip_pb2.EndPoint(address=host, port=port)

    async def read(self, request: object, call: Call) -> gossip_pb2.ClusterInfo:
        """The one member."""
        member = gossip_pb2.MemberInfo(
            instance_id=id_message(self._id),
            time_stamp=int(time.time() * _TICKS_A_SECOND),
            state=gossip_pb2.MemberInfo.Leader,
            is_alive=True,
            http_end_point=self._end_point,
        )
        return gossip_pb2.ClusterInfo(members=[member])
