"""Opens both ends of a migration, and lets nobody else near them."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.cli.application import CannotOpen
from api.cli.migrate import Move
from bootstrap.container import open_container
from bootstrap.event_store_layout import refuse_several
from bootstrap.event_store_uri import checked_uri, shown_uri
from bootstrap.event_stores import (
    connect,
    embedded_file,
    events_are_elsewhere,
    events_are_here,
)
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.settings import Settings, event_keys, keep_event_keys
from event_store.errors import EventStoreError
from event_store.migration import Migration, MigrationEnd, Watch
from event_store.port import WholeEventStore
from event_store.sqlite import SqliteEventStore
from event_store.sqlite.moving import SqliteEnd

_FILE = "sqlite"


@dataclass(frozen=True)
class _Place:
    """A store as it is named: by a file or by a URI."""

    file: Path | None
    uri: str = field(default="", repr=False)

    def __str__(self) -> str:
        return shown_uri(self.uri) if self.file is None else f"{_FILE}:{self.file}"


async def migrate(settings: Settings, to: str, watch: Watch) -> Move:
    """Move all events of the settings' store to another one.

    Raises:
        CannotOpen: it can't be begun; the message says why.
        EventStoreError: a store failed, or the events can't be moved.
    """
    started = time.monotonic()
    refuse_several(settings, "orderlog migrate")
    source, target = _source(settings), _target(settings, to)
    _refuse_unusable(source, target)
    with ExitStack() as owned:
        _own(owned, settings, target)
        async with open_container(settings) as container:
            await _refuse_empty(container.events)
            async with _opened(target) as end:
                migration = Migration(
                    _end_of(container.events),
                    end,
                    chain=container.chain,
                    all_hashed=container.all_hashed,
                    subscribers=[policy.NAME for policy in container.policies],
                    watch=watch,
                )
                migrated = await migration.run()
        _take_keys_along(settings, target)
        if target.file is None:
            events_are_elsewhere(settings.data)
        else:
            events_are_here(target.file.parent)
    seconds = time.monotonic() - started
    return Move(str(source), str(target), _to_set(settings, target), migrated, seconds)


def _source(settings: Settings) -> _Place:
    if settings.event_store is None:
        return _Place(embedded_file(settings).absolute())
    return _Place(None, settings.event_store.get_secret_value())


def _target(settings: Settings, to: str) -> _Place:
    kind, _, path = to.partition(":")
    if kind == _FILE:
        return _Place(Path(path or settings.data / "events.db").absolute())
    try:
        return _Place(None, checked_uri(to))
    except ValueError as error:
        raise CannotOpen(f"--to is sqlite, or sqlite:FOLDER/events.db, or {error}.") from error


def _refuse_unusable(source: _Place, target: _Place) -> None:
    if source == target or (source.file and target.file and _same_file(source.file, target.file)):
        raise CannotOpen(f"Source and target are the same: {target}.")
    if target.file is None:
        return
    if target.file.name != "events.db":
        raise CannotOpen(f"The file has to be named events.db to be served, not {target.file}.")
    if not target.file.parent.is_dir():
        raise CannotOpen(f"There is no folder {target.file.parent}.")


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _own(owned: ExitStack, settings: Settings, target: _Place) -> None:
    folders = {settings.data.resolve()}
    if target.file is not None:
        folders.add(target.file.parent.resolve())
        _refuse_other_keys(settings, target.file.parent)
    try:
        for folder in sorted(folders):
            owned.enter_context(owning(folder))
    except AlreadyOwned as error:
        raise CannotOpen(str(error)) from error


async def _refuse_empty(events: WholeEventStore) -> None:
    if not (await events.read_all(limit=1)).events:
        raise CannotOpen("The source has no events: there is nothing to move.")


@asynccontextmanager
async def _opened(target: _Place) -> AsyncGenerator[MigrationEnd]:
    store = await _open(target)
    try:
        yield _end_of(store)
    finally:
        await store.close()


async def _open(target: _Place) -> WholeEventStore:
    if target.file is None:
        store = await connect(target.uri, "--to")
        try:
            await store.check()
        except EventStoreError as error:
            await store.close()
            raise CannotOpen(f"--to can't be used: {error}") from error
        return store
    try:
        return await SqliteEventStore.open(target.file)
    except (OSError, EventStoreError) as error:
        raise CannotOpen(f"{target.file} can't be opened: {error}") from error


def _end_of(store: WholeEventStore) -> MigrationEnd:
    if isinstance(store, SqliteEventStore):
        return SqliteEnd(store)
    # Not part of every installation.
    from event_store.eventstoredb.moving import EventStoreDBEnd

    return EventStoreDBEnd(store)


def _elsewhere(settings: Settings, folder: Path) -> Settings | None:
    """The settings of another data folder; None if it is the same."""
    if folder.resolve() == settings.data.resolve():
        return None
    return settings.model_copy(update={"data": folder, "event_store": None})


def _refuse_other_keys(settings: Settings, folder: Path) -> None:
    elsewhere = _elsewhere(settings, folder)
    if elsewhere is None:
        return
    ours = event_keys(settings)
    if any(ours.get(name, key) != key for name, key in event_keys(elsewhere).items()):
        raise CannotOpen(f"{folder} has the secrets of another shop.")


def _take_keys_along(settings: Settings, target: _Place) -> None:
    """Events and the keys that hashes in them were made with stay together."""
    elsewhere = None if target.file is None else _elsewhere(settings, target.file.parent)
    if elsewhere is not None:
        keep_event_keys(elsewhere, event_keys(settings))


def _to_set(settings: Settings, target: _Place) -> Mapping[str, str | None]:
    if target.file is None:
        return {"ORDERLOG_EVENT_STORE": str(target)}
    folder = target.file.parent
    here = _elsewhere(settings, folder) is None
    return {"ORDERLOG_EVENT_STORE": None} | ({} if here else {"ORDERLOG_DATA": str(folder)})
