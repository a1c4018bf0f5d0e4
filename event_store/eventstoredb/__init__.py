"""The event store on EventStoreDB (or KurrentDB, which speaks the same protocol)."""

from event_store.eventstoredb.store import EventStoreDBStore

__all__ = ["EventStoreDBStore"]
