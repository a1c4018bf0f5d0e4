"""A check of events in EventStoreDB, which keeps forms, places and order itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.commands.inventory import ReceiveStock
from event_store.chain import Chain
from event_store.dev_server.server import running_server
from event_store.eventstoredb import EventStoreDBStore
from event_store.port import RecordedEvent
from tests.integration.tamper.test_chains import old_events
from tests.support.commands import Shop
from tests.support.tampering import assert_all_proven, verify

STREAM = "stock-TEA"
RECEIVE = ReceiveStock(sku="TEA", quantity=100, location="main")


@pytest.fixture
async def store(tmp_path: Path):
    async with running_server(tmp_path / "server") as server:
        opened = await EventStoreDBStore.open(f"esdb://127.0.0.1:{server.port}?Tls=false")
        yield opened
        await opened.close()


async def test_all_is_proven(store: EventStoreDBStore):
    for _ in range(3):
        await Shop(store).handle(RECEIVE)
    await assert_all_proven(store)
    verified, findings = await verify(store, stream=STREAM)
    assert (verified.proven, findings) == (3, [])


async def test_another_key_proves_nothing(store: EventStoreDBStore, monkeypatch):
    await Shop(store).handle(RECEIVE)
    await Shop(store).handle(RECEIVE)
    monkeypatch.setattr("tests.support.tampering.CHAIN", Chain(b"another"))
    verified, findings = await verify(store)
    assert verified.none_fits
    assert [(f.stream, f.version, f.fault) for f in findings] == [
        (STREAM, 0, "changed"),
        (STREAM, 1, "unproven"),
    ]


async def test_an_event_added_without_the_key_is_found(store: EventStoreDBStore):
    await Shop(store).handle(RECEIVE)
    await old_events(store, STREAM, 1)
    await old_events(store, "stock-FORGED", 1)
    _, findings = await verify(store, all_hashed=True)
    assert [(f.stream, f.version, f.fault) for f in findings] == [
        (STREAM, 1, "unhashed"),
        ("stock-FORGED", 0, "unhashed"),
    ]


async def test_a_stream_that_was_shortened_is_found(store: EventStoreDBStore):
    for _ in range(4):
        await Shop(store).handle(RECEIVE)

    class Shortened:
        """As a server shows it that has thrown away what came before a version."""

        def __getattr__(self, name: str):
            return getattr(store, name)

        async def read_all(self, **how):
            page = await store.read_all(**how)
            return type(page)(_shown(page.events), page.position, page.at_end)

        async def read_stream(self, stream: str, **how):
            return _shown(await store.read_stream(stream, **how))

    _, findings = await verify(Shortened())
    assert [(f.version, f.fault) for f in findings] == [(0, "missing"), (2, "unproven")]


def _shown(events) -> list[RecordedEvent]:
    return [event for event in events if event.version >= 2]
