"""Checking the event stores of several contexts: each by itself, and that none holds another's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from contracts.commands.inventory import ReceiveStock
from contracts.registry import CONTEXTS
from event_store.composite import parts_of
from event_store.merged import MergedEventStore
from event_store.port import NewEvent, StreamState
from event_store.sqlite import SqliteEventStore
from event_store.verifying import Verification
from event_store.verifying_parts import verification_of
from tests.support.commands import CHAIN, Shop, create_order, uid
from tests.support.tampering import assert_all_proven, change, verify

ORDER, STOCK = f"order-{uid(1)}", "stock-TEA"


async def opened(folder: Path) -> MergedEventStore:
    return MergedEventStore(
        {context: await SqliteEventStore.open(folder / f"{context}.db") for context in CONTEXTS}
    )


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Files of an order of two products, and of stock."""
    store = await opened(tmp_path)
    shop = Shop(store)
    await shop.handle(create_order(1, await shop.product(), await shop.product()))
    for quantity in (1, 2):
        await shop.handle(ReceiveStock(sku="TEA", quantity=quantity, location="main"))
    await store.close()
    return tmp_path


async def found_in(folder: Path, **how) -> list[tuple[str, int, str]]:
    store = await opened(folder)
    try:
        _, findings = await verify(store, **how)
    finally:
        await store.close()
    return [(it.stream, it.version, it.fault) for it in findings]


async def head_of(folder: Path):
    store = await opened(folder)
    try:
        check = verification_of(store, await store.identity(), CHAIN, print)
        assert (await check.everything()).sound
        return check.head(datetime.now(UTC))
    finally:
        await store.close()


async def test_untouched_stores_are_all_proven(folder):
    store = await opened(folder)
    await assert_all_proven(store)
    verified, _ = await verify(store, stream=ORDER)
    assert (verified.streams, verified.sound) == (1, True)
    await store.close()


@pytest.mark.parametrize(("context", "stream"), [("sales", ORDER), ("inventory", STOCK)])
async def test_event_when_changed_in_either_store_then_it_is_found(folder, context, stream):
    sql = "UPDATE events SET data = x'7b7d' WHERE stream = ? AND version = 0"
    change(folder / f"{context}.db", (sql, (stream,)))
    assert await found_in(folder) == [(stream, 0, "changed")]
    assert await found_in(folder, stream=stream) == [(stream, 0, "changed")]


async def test_event_without_hash_when_its_own_store_began_with_hashes_then_it_is_found(folder):
    store = await opened(folder)
    other = NewEvent(UUID(int=1), "Happened", b"{}", b"{}")
    await store.append("stock-CUP", [other], expected=StreamState.NO_STREAM)
    await store.append("user-1", [other], expected=StreamState.NO_STREAM)
    verified, findings = await verify(store)
    await store.close()
    # Nothing in the store of users ever had a hash: it may all be of older software.
    assert [(it.stream, it.fault) for it in findings] == [("stock-CUP", "unhashed")]
    assert verified.unchained == 1


async def test_stream_when_moved_into_another_store_then_it_is_found_there_and_missing_here(folder):
    head = await head_of(folder)
    columns = "id, stream, version, type, data, metadata, recorded_at, category"
    with closing(sqlite3.connect(folder / "users.db")) as users, users:
        users.execute("ATTACH ? AS inventory", (str(folder / "inventory.db"),))
        users.execute(
            f"INSERT INTO events ({columns}) SELECT {columns} FROM inventory.events "
            "WHERE stream = ?",
            (STOCK,),
        )
        users.execute("DELETE FROM inventory.events WHERE stream = ?", (STOCK,))
    found = await found_in(folder, against=head)
    assert (STOCK, 0, "misplaced") in found
    assert (STOCK, 0, "removed") in found
    assert {stream for stream, _, _ in found} == {STOCK}


async def test_end_when_cut_off_in_one_store_then_the_head_tells(folder):
    head = await head_of(folder)
    assert set(parts_of(head.store) or {}) == set(CONTEXTS)
    assert {end.stream for end in head.streams} >= {ORDER, STOCK}
    change(
        folder / "inventory.db", ("DELETE FROM events WHERE stream = ? AND version = 1", (STOCK,))
    )
    assert await found_in(folder) == []
    assert await found_in(folder, against=head) == [(STOCK, 1, "cut")]


async def test_head_when_another_store_took_the_place_of_one_then_that_is_said(folder):
    head = await head_of(folder)
    change(folder / "users.db", "UPDATE meta SET value = 'other' WHERE key = 'identity'")
    store = await opened(folder)
    verified, findings = await verify(store, against=head)
    await store.close()
    assert (verified.other_store, findings) == (True, [])


async def test_single_store_then_it_is_checked_as_before(folder):
    store = await SqliteEventStore.open(folder / "sales.db")
    check = verification_of(store, await store.identity(), CHAIN, print)
    assert isinstance(check, Verification)
    assert (await check.everything()).sound
    await store.close()
