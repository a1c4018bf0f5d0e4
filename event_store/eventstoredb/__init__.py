"""The event store on EventStoreDB (or KurrentDB, which speaks the same protocol)."""

import os

from event_store.eventstoredb.store import EventStoreDBStore

# A process of ours never goes on as a copy of itself: gRPC need not prepare for that, and
# complain in the log, each time another program is started (a rebuild).
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# What goes wrong is raised to us; gRPC's own lines would stand beside it in no form of ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

__all__ = ["EventStoreDBStore"]
