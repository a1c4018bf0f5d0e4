"""What `orderlog migrate` prints."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.integration.migration.conftest import Installation
from tests.support.cli import CommandLine
from tests.support.eventstoredb import DevelopmentServer


@pytest.fixture
def server(tmp_path: Path) -> Generator[DevelopmentServer]:
    """A server in a process of its own, since the command has an event loop of its own."""
    server = DevelopmentServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()


def test_it_tells_what_was_moved_and_what_to_set(shop: Installation, server: DevelopmentServer):
    orderlog = CommandLine(shop.data)
    rows = shop.rows()
    secret = server.uri.replace("//", "//admin:s3cret@")
    shown = server.uri.replace("//", "//admin:***@")
    result = orderlog("migrate", "--to", secret)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "s3cret" not in result.stdout
    first, *_, last = result.stdout.splitlines()
    assert f"is moved to {shown}: {len(rows)} events of " in first
    assert last == f"  export ORDERLOG_EVENT_STORE='{shown}'"

    again = orderlog.json("migrate", "--to", server.uri)
    assert (again["moved"], again["already_there"]) == (0, len(rows))
    assert (again["events"], again["proven"], again["findings"]) == (len(rows), len(rows), 0)
    assert again["settings"] == {"ORDERLOG_EVENT_STORE": server.uri}
    assert set(again["checkpoints"]) == {"soft-reservation", "email-claims"}


def test_what_to_set_for_a_file_of_another_folder(shop: Installation, other: Installation):
    result = CommandLine(shop.data)("migrate", "--to", f"sqlite:{other.file}")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == [
        "  unset ORDERLOG_EVENT_STORE",
        f"  export ORDERLOG_DATA='{other.data}'",
    ]
    moved = CommandLine(other.data).tail()
    assert moved == CommandLine(shop.data).tail() != []


def test_a_folder_whose_events_are_on_a_server_goes_on_with_no_file_until_they_are_back(
    shop: Installation, server: DevelopmentServer
):
    orderlog = CommandLine(shop.data)
    assert orderlog("migrate", "--to", server.uri).exit_code == 0
    for words in (["serve"], ["demo"], ["projections", "list"], ["import", str(shop.data)]):
        refused = orderlog(*words)
        assert refused.exit_code == 1
        assert "are in EventStoreDB: set ORDERLOG_EVENT_STORE" in refused.stderr
    asyncio.run(shop.on(server.uri).migrate("sqlite"))
    assert orderlog("projections", "list").exit_code == 0
