"""A history moved to EventStoreDB and back is the same, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bootstrap.container import open_container
from contracts.commands.inventory import ReceiveStock
from event_store.eventstoredb import EventStoreDBStore
from event_store.port import MAX_APPEND_BYTES, Appended, NewEvent
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import page_through
from tests.integration.migration.conftest import Installation
from tests.support.tampering import change
from write_side.kernel.context import by_system


async def test_moved_there_and_back_every_column_is_the_same(
    shop: Installation, other: Installation, uri: str
):
    there = await shop.migrate(uri)
    back = await shop.on(uri).migrate(f"sqlite:{other.file}")
    rows = shop.rows()
    assert other.rows() == rows
    for move in (there, back):
        assert move.migrated.history.events == move.migrated.history.proven == len(rows) > 30
        assert move.migrated.already_there == 0
    assert len({row[1] for row in rows}) == there.migrated.history.streams
    assert any(row[1].startswith("email-") for row in rows), "secret streams go along"


async def test_in_eventstoredb_events_are_as_they_were_recorded(shop: Installation, uri: str):
    await shop.migrate(uri)
    async with shop.events() as source, shop.on(uri).events() as target:
        before = await page_through(source, after=None, limit=500)
        after = await page_through(target, after=None, limit=500)
    for was, event in zip(before, after, strict=True):
        assert (event.id, event.stream, event.version) == (was.id, was.stream, was.version)
        assert (event.type, event.data, event.recorded_at) == (was.type, was.data, was.recorded_at)
        time = was.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert event.metadata == b'{"recordedAt":"%b",' % time.encode() + was.metadata[1:]


async def test_the_keys_of_the_events_go_along_into_another_folder(
    shop: Installation, other: Installation
):
    await shop.migrate(f"sqlite:{other.file}")
    for name in ("audit", "addresses", "fingerprints"):
        key = (other.data / "secrets" / name).read_text()
        assert key == (shop.data / "secrets" / name).read_text()
    assert not (other.data / "secrets" / "jwt").exists()


async def test_after_business_there_the_old_file_is_brought_up_to_date(
    shop: Installation, uri: str
):
    """Positions of the file, and what knows them, stay good."""
    await shop.migrate(uri)
    before = shop.rows()
    async with open_container(shop.on(uri).settings) as container:
        for _ in range(3):
            command = ReceiveStock(sku="IMPORT.1", quantity=1, location="shelf")
            await container.bus.handle(command, by_system("test"))
    move = await shop.on(uri).migrate("sqlite")
    assert move.migrated.already_there == len(before)
    rows = shop.rows()
    assert rows[: len(before)] == before
    assert [row[5] for row in rows[len(before) :]] == ["StockReceived"] * 3
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert move.settings == {"ORDERLOG_EVENT_STORE": None}


async def test_what_was_one_append_is_one_where_it_fits(
    shop: Installation, uri: str, monkeypatch: pytest.MonkeyPatch
):
    """A run of one stream is cut where another batch begins, not within one."""
    big = MAX_APPEND_BYTES // 5
    batches = (2, 2, 2, 5, 1)
    store = await SqliteEventStore.open(shop.file, clock=_ticking())
    version = -1
    for count in batches:
        events = [NewEvent(uuid4(), "Big", b"1" * (big - 400), b"{}") for _ in range(count)]
        version = (await store.append("many-1", events, expected=version)).version
    await store.close()
    sizes: list[int] = []
    _note_appends(monkeypatch, sizes)
    await shop.migrate(uri)
    assert sizes == [4, 2, 5, 1]


async def test_a_batch_that_does_not_fit_with_its_times_is_cut(
    shop: Installation, uri: str, other: Installation, monkeypatch: pytest.MonkeyPatch
):
    size = MAX_APPEND_BYTES // 4 - len("{}") - 2 * len("Big")
    store = await SqliteEventStore.open(shop.file)
    events = [NewEvent(uuid4(), "Big", b"1" * size, b"{}") for _ in range(4)]
    await store.append("many-1", events, expected=-1)
    await store.close()
    sizes: list[int] = []
    _note_appends(monkeypatch, sizes)
    await shop.migrate(uri)
    assert sizes == [3, 1]
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert other.rows() == shop.rows()


async def test_times_are_kept_to_the_microsecond_also_where_they_go_back(
    shop: Installation, uri: str, other: Installation
):
    times = ["946684799999999", "1", "4102444799999999", "1767607200000001"]
    for position, time in enumerate(times, start=3):
        change(shop.file, f"UPDATE events SET recorded_at = {time} WHERE position = {position}")
    await shop.migrate(uri)
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert other.rows("recorded_at") == shop.rows("recorded_at")


def _note_appends(monkeypatch: pytest.MonkeyPatch, sizes: list[int]) -> None:
    append = EventStoreDBStore.append

    async def noting(
        self: EventStoreDBStore, stream: str, events: Sequence[NewEvent], **how: Any
    ) -> Appended:
        if stream == "many-1":
            sizes.append(len(events))
        return await append(self, stream, events, **how)

    monkeypatch.setattr(EventStoreDBStore, "append", noting)


def _ticking() -> Callable[[], int]:
    """A clock that goes on a second each time it is looked at."""
    now = datetime(2030, 1, 1, tzinfo=UTC)

    def clock() -> int:
        nonlocal now
        now += timedelta(seconds=1)
        return int(now.timestamp() * 1e9)

    return clock
