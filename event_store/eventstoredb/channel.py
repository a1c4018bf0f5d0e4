"""How a connection to the server is made, and found to be broken."""

from __future__ import annotations

CHANNEL_OPTIONS = (
    # A server that is back is found within a second, one that went away silently within 40.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A new connection must not wait for what was learned of the broken one.
    ("grpc.use_local_subchannel_pool", 1),
)
