"""Which event stores a shop has is settled when it begins; nothing of it goes missing later."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.cli.application import CannotOpen
from bootstrap.event_stores import has_begun, open_event_store, renew_identity
from bootstrap.settings import Settings
from contracts.registry import CONTEXTS
from event_store.composite import parts_of
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import some
from tests.integration.contexts.conftest import BY_CONTEXT
from tests.support.stores import place

NOBODY = "esdb://127.0.0.1:1?Tls=false"


def settings_of(data: Path, **settings: Any) -> Settings:
    return Settings(_env_file=None, data=data, **settings)


async def filled(data: Path, *streams: str, **settings: Any) -> set[str]:
    """Open the shop, append to these streams, close it; the parts of its store."""
    store = await open_event_store(settings_of(data, **settings))
    try:
        for stream in streams:
            await store.append(stream, some(1), expected=StreamState.NO_STREAM)
        return set(parts_of(await store.identity()) or {})
    finally:
        await store.close()


async def refused(data: Path, **settings: Any) -> str:
    with pytest.raises(CannotOpen) as refusal:
        await filled(data, **settings)
    text = str(refusal.value)
    assert "\n" not in text
    return text


async def test_no_context_of_its_own_then_the_store_is_a_plain_file(data):
    assert await filled(data, "order-1") == set()
    assert [it.name for it in data.glob("event*")] == ["events.db"]


async def test_each_context_of_its_own_then_there_are_as_many_files(data):
    assert await filled(data, "order-1", "user-1", **BY_CONTEXT) == set(CONTEXTS)
    assert {it.name for it in data.glob("*.db")} == {f"events-{it}.db" for it in CONTEXTS}


async def test_one_context_of_its_own_then_the_others_share_the_file_of_all(data):
    parts = await filled(data, "order-1", "user-1", sales_event_store="sqlite")
    assert parts == {"sales", "inventory+users"}
    assert {it.name for it in data.glob("*.db")} == {"events-sales.db", "events.db"}


async def test_contexts_on_one_server_then_they_are_one_part(data, tmp_path):
    async with place("eventstoredb", tmp_path) as uri:
        on_server = {"sales_event_store": uri, "inventory_event_store": uri}
        parts = await filled(data, "order-1", "stock-A", users_event_store="sqlite", **on_server)
        assert parts == {"inventory+sales", "users"}
        on_server = {"sales_event_store": uri, "event_store": uri}
        other = tmp_path / "other"
        parts = await filled(other, users_event_store="sqlite", **on_server)
        assert parts == {"inventory+sales", "users"}


@pytest.mark.parametrize(
    ("forgotten", "then"),
    [
        ({**BY_CONTEXT, "users_event_store": None}, "ORDERLOG_USERS_EVENT_STORE=sqlite"),
        ({}, "ORDERLOG_[A-Z]+_EVENT_STORE=sqlite"),
        ({**BY_CONTEXT, "sales_event_store": NOBODY}, "ORDERLOG_SALES_EVENT_STORE=sqlite"),
    ],
)
async def test_shop_with_own_stores_when_a_setting_is_forgotten_then_it_is_not_opened(
    data, forgotten, then
):
    await filled(data, "order-1", **BY_CONTEXT)
    assert re.search(then, await refused(data, **forgotten))
    assert not (data / "events.db").exists()
    assert await filled(data, "order-2", **BY_CONTEXT) == set(CONTEXTS)


async def test_shop_with_a_server_of_a_context_when_forgotten_then_the_setting_is_named(
    data, tmp_path
):
    async with place("eventstoredb", tmp_path) as uri:
        await filled(data, "order-1", sales_event_store=uri)
    text = await refused(data)
    assert text.endswith("set ORDERLOG_SALES_EVENT_STORE.")


@pytest.mark.parametrize("own", [BY_CONTEXT, {"sales_event_store": "sqlite"}])
async def test_shop_with_one_store_when_a_context_with_events_is_to_get_its_own_then_refused(
    data, own
):
    await filled(data, "order-1")
    assert "The events of sales are in events.db already" in await refused(data, **own)
    assert await filled(data, "order-2") == set()


async def test_shop_with_one_store_when_a_context_without_events_is_to_get_its_own_then_it_does(
    data,
):
    await filled(data, "order-1")
    assert await filled(data, "user-1", users_event_store="sqlite") == {"inventory+sales", "users"}
    assert "users" in await refused(data)


async def test_shop_on_a_server_when_all_contexts_are_to_have_files_then_refused(data, tmp_path):
    async with place("eventstoredb", tmp_path) as uri:
        await filled(data, "order-1", event_store=uri)
    assert "ORDERLOG_EVENT_STORE" in await refused(data, **BY_CONTEXT)


async def test_shop_on_a_server_when_a_context_is_to_have_a_file_then_refused(data, tmp_path):
    async with place("eventstoredb", tmp_path) as uri:
        await filled(data, "order-1", event_store=uri)
        text = await refused(data, event_store=uri, sales_event_store="sqlite")
        assert "The events of sales are in the event store of all already" in text
        parts = await filled(data, event_store=uri, users_event_store="sqlite")
        assert parts == {"inventory+sales", "users"}


async def test_server_when_not_there_then_no_file_is_made_and_the_setting_is_named(data):
    text = await refused(data, **{**BY_CONTEXT, "users_event_store": NOBODY})
    assert text.startswith("ORDERLOG_USERS_EVENT_STORE can't be used")
    assert list(data.glob("*")) == []
    assert await filled(data, "order-1") == set()


async def test_store_when_it_is_a_copy_of_another_then_refused(data):
    await filled(data, "order-1", sales_event_store="sqlite")
    shutil.copy(data / "events-sales.db", data / "events-users.db")
    own = {"sales_event_store": "sqlite", "users_event_store": "sqlite"}
    text = await refused(data, **own)
    assert "ORDERLOG_SALES_EVENT_STORE and ORDERLOG_USERS_EVENT_STORE" in text


async def test_note_of_the_stores_when_damaged_then_it_is_said(data):
    await filled(data, **BY_CONTEXT)
    (data / "event-stores").write_text("{")
    assert "event-stores is damaged" in await refused(data, **BY_CONTEXT)


async def test_shop_with_own_stores_then_it_has_begun_once_it_has_secrets(data):
    settings = settings_of(data, **BY_CONTEXT)
    assert not has_begun(settings)
    (data / "secrets").mkdir(parents=True)
    assert has_begun(settings)


async def test_servers_when_restored_then_all_of_them_are_others(data, tmp_path):
    async with place("eventstoredb", tmp_path) as uri:
        own = {**BY_CONTEXT, "sales_event_store": uri}
        await filled(data, "order-1", **own)
        store = await open_event_store(settings_of(data, **own))
        before = parts_of(await store.identity()) or {}
        await store.close()
        renewed = await renew_identity(settings_of(data, **own))
        store = await open_event_store(settings_of(data, **own))
        assert parts_of(await store.identity()) == {**before, "sales": renewed} != before
        await store.close()
    with pytest.raises(CannotOpen):
        await renew_identity(settings_of(data / "other", **BY_CONTEXT))


async def test_file_of_a_context_then_it_is_a_store_like_any_other(data):
    await filled(data, "order-1", "stock-A", **BY_CONTEXT)
    store = await SqliteEventStore.open(data / "events-inventory.db")
    assert [it.stream for it in (await store.read_all()).events] == ["stock-A"]
    await store.close()
