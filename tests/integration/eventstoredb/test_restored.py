"""A restored EventStoreDB gets another identity: what was read of it before is void."""

from __future__ import annotations

from pathlib import Path

from event_store.dev_server.server import running_server
from event_store.eventstoredb import EventStoreDBStore
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


def test_a_file_needs_no_such_command(tmp_path: Path):
    done = CommandLine(tmp_path / "data")("restored")
    assert done.exit_code == 1
    assert "`orderlog restore` does this itself" in done.stderr
