"""Which event store the settings name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.application import CannotOpen
from bootstrap.event_store_layout import (
    SQLITE,
    is_noted,
    is_remembered,
    own_stores,
    refuse_other_stores,
    refuse_several,
    remember,
    setting_of,
)
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.settings import Settings, secrets_folder
from contracts.registry import CATEGORIES, CONTEXTS
from event_store.composite import context_of
from event_store.errors import EventStoreError
from event_store.merged import MergedEventStore
from event_store.port import WholeEventStore
from event_store.sqlite import SqliteEventStore

if TYPE_CHECKING:
    from event_store.eventstoredb import EventStoreDBStore

_SETTING = "ORDERLOG_EVENT_STORE"
_FILE = "events.db"


def embedded_file(settings: Settings) -> Path:
    """Where the embedded store keeps its events.

    Raises:
        CannotOpen: the events are on a server, or in several stores.
    """
    refuse_several(settings, "this command")
    if settings.event_store is not None:
        raise CannotOpen("The events are in EventStoreDB: use what it has for this itself.")
    return settings.data / _FILE


def refuse_elsewhere(settings: Settings) -> None:
    """Let nobody begin or go on with a file while the shop's events are on a server.

    Raises:
        CannotOpen: they are, and the settings don't name it.
    """
    all_apart = set(own_stores(settings)) == set(CONTEXTS) and is_remembered(settings)
    if settings.event_store is None and _mark(settings.data).exists() and not all_apart:
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
    if settings.event_store is not None or own_stores(settings):
        return secrets_folder(settings).exists()
    return (settings.data / _FILE).exists() or is_noted(settings)


async def open_event_store(settings: Settings) -> WholeEventStore:
    """Open it: a file in the data folder, or what `ORDERLOG_EVENT_STORE` names.

    Where contexts have stores of their own, all of them read as one.

    Raises:
        CannotOpen: it can't be opened; the message says why.
    """
    refuse_other_stores(settings)
    stores = await _open_all(settings)
    try:
        return await _put_together(settings, stores)
    except BaseException:
        await _close(stores)
        raise


async def _put_together(
    settings: Settings, stores: Mapping[_Place, WholeEventStore]
) -> WholeEventStore:
    shared = _shared(settings)
    own = own_stores(settings)
    if own:
        await _refuse_same(stores)
        await _refuse_foreign_events(settings, stores)
        remember(settings)
    if shared.uri and shared in stores:
        events_are_elsewhere(settings.data)
    if not own:
        return stores[shared]
    return MergedEventStore({context: stores[place] for context, place in _places(settings)})


@dataclass(frozen=True)
class _Place:
    """A store as the settings name it."""

    setting: str = field(compare=False)
    file: str = ""
    """In the data folder; empty for a server."""
    uri: str = field(default="", repr=False)


def _shared(settings: Settings) -> _Place:
    if settings.event_store is None:
        return _Place(_SETTING, file=_FILE)
    return _Place(_SETTING, uri=settings.event_store.get_secret_value())


def _places(settings: Settings) -> Sequence[tuple[str, _Place]]:
    """Where each context's store is."""
    own = own_stores(settings)

    def place_of(context: str) -> _Place:
        if context not in own:
            return _shared(settings)
        if own[context] == SQLITE:
            return _Place(setting_of(context), file=f"events-{context}.db")
        return _Place(setting_of(context), uri=own[context])

    return [(context, place_of(context)) for context in CONTEXTS]


async def _open(place: _Place, settings: Settings) -> WholeEventStore:
    if place.file:
        try:
            settings.data.mkdir(parents=True, exist_ok=True)
            return await SqliteEventStore.open(settings.data / place.file)
        except (OSError, EventStoreError) as error:
            what = f"The event store in {settings.data / place.file}"
            raise CannotOpen(f"{what} can't be opened: {error}") from error
    store = await connect(place.uri, place.setting)
    try:
        await store.identity()
    except EventStoreError as error:
        await store.close()
        raise CannotOpen(f"{place.setting} can't be used: {error}") from error
    return store


async def _open_all(settings: Settings) -> dict[_Place, WholeEventStore]:
    """Each store once; no file is made before all servers have answered."""
    stores: dict[_Place, WholeEventStore] = {}
    try:
        for _, place in sorted(_places(settings), key=lambda it: it[1].file != ""):
            if place not in stores:
                stores[place] = await _open(place, settings)
    except BaseException:
        await _close(stores)
        raise
    return stores


async def _close(stores: Mapping[_Place, WholeEventStore]) -> None:
    for store in stores.values():
        await store.close()


async def _refuse_same(stores: Mapping[_Place, WholeEventStore]) -> None:
    """Two names of one store, or a store and its copy, would have each event twice."""
    known: dict[str, _Place] = {}
    for place, store in stores.items():
        other = known.setdefault(await store.identity(), place)
        if other is not place:
            raise CannotOpen(
                f"{other.setting} and {place.setting} name the same event store, or one is a copy "
                "of the other: write the same in both, or begin a new store."
            )


async def _refuse_foreign_events(
    settings: Settings, stores: Mapping[_Place, WholeEventStore]
) -> None:
    """A context does not get a store of its own once it has events in the one of all."""
    if is_remembered(settings):
        return
    refuse_elsewhere(settings)
    shared = _shared(settings)
    own = [context for context, place in _places(settings) if place != shared]
    if shared in stores:
        # A server would search all it has: only where this shop was begun there.
        if shared.file or _mark(settings.data).exists():
            await _refuse_events_in(stores[shared], shared, own)
    elif (settings.data / _FILE).exists():
        store = await _open(shared, settings)
        try:
            await _refuse_events_in(store, shared, own)
        finally:
            await store.close()


async def _refuse_events_in(
    store: WholeEventStore, place: _Place, contexts: Collection[str]
) -> None:
    theirs = [it.name for it in CATEGORIES.values() if it.context in contexts]
    page = await store.read_all(categories=theirs, limit=1)
    for event in page.events:
        context = context_of(event.stream)
        raise CannotOpen(
            f"The events of {context} are in {place.file or 'the event store of all'} already: a "
            f"shop can't go on with a store for them alone. Take {setting_of(context)} away, or "
            "begin a new shop."
        )


async def renew_identity(settings: Settings) -> str:
    """Let what was read from EventStoreDB count as read from another store, and say its name.

    Where there are several servers all of them get a new one.

    Raises:
        CannotOpen: the events are in files, or something is being served.
        EventStoreError: the server could not do it.
    """
    refuse_other_stores(settings)
    places = {place.uri: place for _, place in _places(settings) if place.uri}
    if not places:
        raise CannotOpen("The events are in a file: `orderlog restore` does this itself.")
    identities: list[str] = []
    try:
        with owning(settings.data):
            for place in places.values():
                store = await connect(place.uri, place.setting)
                try:
                    identities.append(await store.renew_identity())
                finally:
                    await store.close()
    except AlreadyOwned as error:
        raise CannotOpen(str(error)) from error
    return ", ".join(identities)


async def connect(uri: str, named: str) -> EventStoreDBStore:
    """Connect to EventStoreDB; `named` is where the user wrote the URI.

    Raises:
        CannotOpen: it is not a URI, or no member of a cluster answers.
    """
    try:
        from event_store.eventstoredb import EventStoreDBStore
    except ImportError as error:
        raise CannotOpen(
            "EventStoreDB needs its client: pip install '.[services]' in the clone"
        ) from error
    try:
        return await EventStoreDBStore.open(uri)
    except (EventStoreError, OSError) as error:
        raise CannotOpen(f"{named} can't be opened: {error}") from error
    except ValueError as error:
        # Its text may hold the password.
        raise CannotOpen(f"{named} is not a URI of EventStoreDB.") from error
