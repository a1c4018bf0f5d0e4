"""How a worker takes part in its group, and what Faust is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from event_store.kafka.deliveries import BACKLOG
from event_store.kafka.topics import Topics

_QUEUE = 2 * BACKLOG
"""More than is ever fetched ahead: Faust sleeps for a second when it was full."""


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """How a worker takes part in its group."""

    servers: str
    topics: Topics
    group: str
    instance: str | None = None
    """A name that this worker keeps when it is started again, and that no other one has.

    With it, a worker that was killed has its partitions back as soon as it is started again, but
    one that is stopped keeps them for the session's time-out. Two of the same name would put
    each other out. Without it, the default, a stopped one hands them over at once, and those of
    a killed one are others' after the time-out.
    """
    session_seconds: float = 6.0
    grace_seconds: float = 8.0
    """How long a stop waits for the batch at hand."""


def options(settings: FeedSettings) -> Mapping[str, Any]:
    """What the Faust app is made with."""
    return {
        "broker": [f"kafka://{server}" for server in settings.servers.split(",")],
        "web_enabled": False,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.instance,
        "broker_session_timeout": settings.session_seconds,
        "broker_heartbeat_interval": settings.session_seconds / 4,
        # How soon it is seen that a topic was given more partitions.
        "consumer_metadata_max_age_ms": 30_000,
        "broker_rebalance_timeout": 30.0,
        "broker_request_timeout": 40.0,
        "broker_commit_interval": 1.0,
        "stream_buffer_maxsize": _QUEUE,
        "stream_wait_empty": True,
        "agent_supervisor": "mode.CrashingSupervisor",
        # Without tables Kafka's own round robin will do, which spreads partitions evenly.
        "table_standby_replicas": 0,
        "cython_optimizations": True,
        "worker_redirect_stdouts": False,
    }
