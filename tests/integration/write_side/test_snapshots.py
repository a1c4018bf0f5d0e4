from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from contracts.commands.inventory import ReceiveStock
from contracts.errors import Damaged
from event_store.errors import EventStoreUnavailable
from event_store.port import NewEvent, RecordedEvent, Snapshot
from event_store.sqlite import SqliteEventStore
from tests.support.commands import NOW, Passing, Shop, asked

RECEIVE = ReceiveStock(sku="TEA", quantity=1, location="main")
STREAM = "stock-TEA"


class Watched(Passing):
    """Notes which snapshots are saved, and from where streams are read."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.saved: list[int] = []
        self.read_from: list[int | None] = []

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self.saved.append(snapshot.version)
        await self._store.save_snapshot(snapshot)

    async def read_stream(self, stream: str, **bounds: Any) -> Sequence[RecordedEvent]:
        self.read_from.append(bounds.get("first"))
        return await self._store.read_stream(stream, **bounds)


async def receive(shop: Shop, times: int) -> None:
    for _ in range(times):
        await shop.handle(RECEIVE)


async def changed(store: SqliteEventStore, **changes: Any) -> None:
    """Replace the snapshot by one that lies, so that its use shows."""
    snapshot = await store.load_snapshot(STREAM)
    assert snapshot is not None
    await store.save_snapshot(replace(snapshot, **changes))


async def lie(store: SqliteEventStore, **changes: Any) -> None:
    """Let the snapshot say that 999 came with the first five events."""
    snapshot = await store.load_snapshot(STREAM)
    assert snapshot is not None
    state = msgspec.json.decode(snapshot.state)
    state["on_hand"]["main"] = 999
    await changed(store, state=msgspec.json.encode(state), **changes)


async def test_one_is_kept_each_n_events_and_not_with_the_first(store: SqliteEventStore):
    watched = Watched(store)
    await receive(Shop(watched, snapshot_every=5), 16)
    assert watched.saved == [4, 9, 14]


async def test_the_default_is_every_100_events(store: SqliteEventStore):
    watched = Watched(store)
    shop = Shop(watched)
    item = await shop.stock.load("TEA")
    for _ in range(99):
        item.receive(1, "main", at=NOW)
    await shop.stock.save(item, "Test", asked())
    assert watched.saved == []
    await receive(shop, 1)
    assert watched.saved == [99]


async def test_several_events_at_once_that_pass_the_mark_keep_one(store: SqliteEventStore):
    watched = Watched(store)
    shop = Shop(watched, snapshot_every=5)
    item = await shop.stock.load("TEA")
    for _ in range(12):
        item.receive(1, "main", at=NOW)
    await shop.stock.save(item, "Test", asked())
    assert watched.saved == [11]
    assert (await shop.stock.load("TEA")).total == 12


async def test_it_is_used_and_only_the_rest_is_replayed(store: SqliteEventStore):
    watched = Watched(store)
    shop = Shop(watched, snapshot_every=5)
    await receive(shop, 7)
    watched.read_from.clear()
    item = await shop.stock.load("TEA")
    assert watched.read_from == [5]
    assert (item.version, item.total) == (6, 7)


async def test_loading_at_a_version_needs_none(store: SqliteEventStore):
    shop = Shop(store, snapshot_every=5)
    await receive(shop, 7)
    assert [(await shop.stock.load("TEA", version=v)).total for v in (2, 4, 6)] == [3, 5, 7]


async def test_one_of_another_state_type_is_ignored(store: SqliteEventStore):
    watched = Watched(store)
    shop = Shop(watched, snapshot_every=5)
    await receive(shop, 7)
    await lie(store)
    assert (await shop.stock.load("TEA")).total == 1001
    await lie(store, fingerprint="another")
    watched.read_from.clear()
    assert (await shop.stock.load("TEA")).total == 7
    assert watched.read_from == [0]


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"on_hand":{"main":"x"}}', b"\xff\xfe"])
async def test_one_that_can_not_be_read_is_ignored(store: SqliteEventStore, state: bytes):
    shop = Shop(store, snapshot_every=5)
    await receive(shop, 7)
    await changed(store, state=state)
    assert (await shop.stock.load("TEA")).total == 7
    await receive(shop, 3)
    assert (await shop.stock.load("TEA")).total == 10


async def test_none_is_kept_while_events_are_passed_over(store: SqliteEventStore):
    watched = Watched(store)
    shop = Shop(watched, snapshot_every=5)
    await receive(shop, 2)
    first = (await store.read_stream(STREAM))[0]
    blessed = NewEvent(uuid4(), "StockBlessed", b"{}", first.metadata)
    await store.append(STREAM, [blessed], expected=1)
    await receive(shop, 5)
    assert watched.saved == []
    assert (await shop.stock.load("TEA")).total == 7


class Failing(Passing):
    """Can't keep snapshots, or can't find them."""

    def __init__(self, store: Any, *, save: Exception | None, load: Exception | None) -> None:
        super().__init__(store)
        self._save = save
        self._load = load

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        if self._save is not None:
            raise self._save
        await self._store.save_snapshot(snapshot)

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        if self._load is not None:
            raise self._load
        return await self._store.load_snapshot(stream)


@pytest.mark.parametrize(
    ("save", "load"),
    [
        (EventStoreUnavailable("away"), None),
        (OSError("disk"), None),
        (None, EventStoreUnavailable("away")),
        (EventStoreUnavailable("away"), EventStoreUnavailable("away")),
    ],
)
async def test_troubles_with_snapshots_fail_no_command(
    store: SqliteEventStore, save: Exception | None, load: Exception | None
):
    shop = Shop(Failing(store, save=save, load=load), snapshot_every=3)
    await receive(shop, 8)
    assert (await shop.stock.load("TEA")).total == 8
    assert await store.stream_version(STREAM) == 7


async def test_one_of_a_stream_that_has_lost_its_end_is_said_at_once_and_nothing_is_added(
    store: SqliteEventStore,
):
    await receive(Shop(store, snapshot_every=5), 7)
    await changed(store, version=20)
    with pytest.raises(Damaged, match="lost the end of stock-TEA: it is at version 6, and was at"):
        async with asyncio.timeout(2):
            await Shop(store).handle(RECEIVE)
    assert await store.stream_version(STREAM) == 6
