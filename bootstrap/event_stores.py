"""Which event store the settings name."""

from __future__ import annotations

from pathlib import Path

from api.cli.application import CannotOpen
from bootstrap.settings import Settings
from event_store.errors import EventStoreError
from event_store.port import WholeEventStore
from event_store.sqlite import SqliteEventStore


def embedded_file(settings: Settings) -> Path:
    """Where the embedded store keeps its events.

    Raises:
        CannotOpen: the events are on a server.
    """
    if settings.event_store is not None:
        raise CannotOpen("The events are in EventStoreDB: use what it has for this itself.")
    return settings.data / "events.db"


def has_begun(settings: Settings) -> bool:
    """Whether a shop was ever opened with this data folder."""
    if settings.event_store is not None:
        return (settings.data / "secrets").exists()
    return embedded_file(settings).exists()


async def open_event_store(settings: Settings) -> WholeEventStore:
    """Open it: a file in the data folder, or what `ORDERLOG_EVENT_STORE` names.

    Raises:
        CannotOpen: it can't be opened; the message says why.
    """
    if settings.event_store is not None:
        return await _connect(settings.event_store.get_secret_value())
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        return await SqliteEventStore.open(embedded_file(settings))
    except (OSError, EventStoreError) as error:
        raise CannotOpen(f"The event store in {settings.data} can't be opened: {error}") from error


async def _connect(uri: str) -> WholeEventStore:
    try:
        from event_store.eventstoredb import EventStoreDBStore
    except ImportError as error:
        raise CannotOpen("EventStoreDB needs its client: pip install orderlog[services]") from error
    try:
        store = await EventStoreDBStore.open(uri)
    except (EventStoreError, OSError) as error:
        raise CannotOpen(f"ORDERLOG_EVENT_STORE can't be opened: {error}") from error
    except ValueError as error:
        # Its text may hold the password.
        raise CannotOpen("ORDERLOG_EVENT_STORE is not a URI of EventStoreDB.") from error
    try:
        await store.identity()
    except EventStoreError as error:
        await store.close()
        raise CannotOpen(f"ORDERLOG_EVENT_STORE can't be used: {error}") from error
    return store
