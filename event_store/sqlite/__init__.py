"""The embedded event store: one SQLite file, no server."""

from event_store.sqlite.store import SqliteEventStore

__all__ = ["SqliteEventStore"]
