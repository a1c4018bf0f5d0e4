"""Event stores of every kind, for tests that hold on each of them.

    async with place("eventstoredb", tmp_path) as address:
        async with opened(address) as store: ...

An address can be given to another process, which opens the same store with `open_store`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from event_store.composite import after_event
from event_store.dev_server.server import running_server
from event_store.eventstoredb import EventStoreDBStore
from event_store.port import Position, WholeEventStore
from event_store.sqlite import SqliteEventStore

KINDS = ("sqlite", "eventstoredb")
"""Parameters of a fixture for tests that hold on each of them."""


@asynccontextmanager
async def place(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of a new store, for as long as this lasts."""
    if kind == "sqlite":
        yield str(folder / "events.db")
    else:
        async with running_server(folder / "server.db") as server:
            yield server.uri


async def open_store(address: str) -> WholeEventStore:
    """The store at an address, opened once more."""
    if address.startswith("esdb:"):
        return await EventStoreDBStore.open(address)
    return await SqliteEventStore.open(Path(address))


async def last_of(store: WholeEventStore, categories: Collection[str]) -> Position | None:
    """The position of the last event in these categories; composite, of several stores as one.

    Who follows them gets there, and maybe not to the head: EventStoreDB tells subscribers of what
    they passed over only now and then, and checkpoints are events there.
    """
    page = await store.read_all(categories=categories, limit=1_000_000)
    reached: str | None = None
    for event in page.events:
        reached = after_event(reached, page.position, event.stream, event.position)
    return None if reached is None else Position(reached)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[WholeEventStore]:
    """The store at an address, opened once more and closed at the end."""
    store = await open_store(address)
    try:
        yield store
    finally:
        await store.close()
