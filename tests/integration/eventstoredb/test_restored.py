"""A restored EventStoreDB gets another identity: what was read of it before is void."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from event_store.dev_server.server import running_server
from event_store.eventstoredb import EventStoreDBStore, identity
from tests.support.cli import CommandLine


async def test_a_restored_store_has_another_identity_for_everybody(tmp_path: Path):
    async with running_server(tmp_path / "server" / "events.db") as server:
        store = await EventStoreDBStore.open(server.uri)
        other = await EventStoreDBStore.open(server.uri)
        before = await store.identity()
        after = await store.renew_identity()
        assert after != before
        assert await store.identity() == after == await other.identity()
        await store.close()
        await other.close()


async def test_who_was_there_before_learns_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.0)
    async with running_server(tmp_path / "server" / "events.db") as server:
        store = await EventStoreDBStore.open(server.uri)
        other = await EventStoreDBStore.open(server.uri)
        await other.identity()
        after = await store.renew_identity()
        async with asyncio.timeout(10):
            while await other.identity() != after:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
        await store.close()
    # It answers also when the server does not.
    assert await other.identity() == after
    await other.close()


def test_a_file_needs_no_such_command(tmp_path: Path):
    done = CommandLine(tmp_path / "data")("restored")
    assert done.exit_code == 1
    assert "`orderlog restore` does this itself" in done.stderr
