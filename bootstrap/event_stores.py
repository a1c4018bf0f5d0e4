"""Which event store the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.application import CannotOpen
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.settings import Settings, secrets_folder
from event_store.errors import EventStoreError
from event_store.port import WholeEventStore
from event_store.sqlite import SqliteEventStore

if TYPE_CHECKING:
    from event_store.eventstoredb import EventStoreDBStore

_SETTING = "ORDERLOG_EVENT_STORE"


def embedded_file(settings: Settings) -> Path:
    """Where the embedded store keeps its events.

    Raises:
        CannotOpen: the events are on a server.
    """
    if settings.event_store is not None:
        raise CannotOpen("The events are in EventStoreDB: use what it has for this itself.")
    return settings.data / "events.db"


def refuse_elsewhere(settings: Settings) -> None:
    """Let nobody begin or go on with a file while the shop's events are on a server.

    Raises:
        CannotOpen: they are, and the settings don't name it.
    """
    if settings.event_store is None and _mark(settings.data).exists():
        raise CannotOpen(
            f"The events of the shop in {settings.data} are in EventStoreDB: set "
            "ORDERLOG_EVENT_STORE. Back into a file: orderlog migrate --to sqlite."
        )


def events_are_elsewhere(folder: Path) -> None:
    """Note that the events of this folder's shop are on a server; see `refuse_elsewhere`."""
    folder.mkdir(parents=True, exist_ok=True)
    _mark(folder).write_text("The events are in EventStoreDB: see ORDERLOG_EVENT_STORE.\n")


def events_are_here(folder: Path) -> None:
    """Note that the events are in a file of this folder."""
    _mark(folder).unlink(missing_ok=True)


def _mark(folder: Path) -> Path:
    return folder / "events-elsewhere"


def has_begun(settings: Settings) -> bool:
    """Whether a shop was ever opened with this data folder."""
    if settings.event_store is not None:
        return secrets_folder(settings).exists()
    return embedded_file(settings).exists()


async def open_event_store(settings: Settings) -> WholeEventStore:
    """Open it: a file in the data folder, or what `ORDERLOG_EVENT_STORE` names.

    Raises:
        CannotOpen: it can't be opened; the message says why.
    """
    if settings.event_store is not None:
        store = await connect(settings.event_store.get_secret_value(), _SETTING)
        try:
            await store.identity()
        except EventStoreError as error:
            await store.close()
            raise CannotOpen(f"{_SETTING} can't be used: {error}") from error
        events_are_elsewhere(settings.data)
        return store
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        return await SqliteEventStore.open(embedded_file(settings))
    except (OSError, EventStoreError) as error:
        raise CannotOpen(f"The event store in {settings.data} can't be opened: {error}") from error


async def renew_identity(settings: Settings) -> str:
    """Let what was read from EventStoreDB count as read from another store, and say its name.

    Raises:
        CannotOpen: the events are in a file, or something is being served.
        EventStoreError: the server could not do it.
    """
    if settings.event_store is None:
        raise CannotOpen("The events are in a file: `orderlog restore` does this itself.")
    try:
        with owning(settings.data):
            store = await connect(settings.event_store.get_secret_value(), _SETTING)
            try:
                return await store.renew_identity()
            finally:
                await store.close()
    except AlreadyOwned as error:
        raise CannotOpen(str(error)) from error


async def connect(uri: str, named: str) -> EventStoreDBStore:
    """Connect to EventStoreDB; `named` is where the user wrote the URI.

    Raises:
        CannotOpen: it is not a URI, or no member of a cluster answers.
    """
    try:
        from event_store.eventstoredb import EventStoreDBStore
    except ImportError as error:
        raise CannotOpen("EventStoreDB needs its client: pip install orderlog[services]") from error
    try:
        return await EventStoreDBStore.open(uri)
    except (EventStoreError, OSError) as error:
        raise CannotOpen(f"{named} can't be opened: {error}") from error
    except ValueError as error:
        # Its text may hold the password.
        raise CannotOpen(f"{named} is not a URI of EventStoreDB.") from error
