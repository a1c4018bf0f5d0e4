"""A server for development and tests that speaks EventStoreDB's gRPC protocol, on a SQLite file."""
