"""A server for development and tests that speaks EventStoreDB's gRPC protocol, on a SQLite file."""

import os

# What goes wrong is raised to us; gRPC's own lines would stand beside it in no form of ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
