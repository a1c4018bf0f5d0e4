"""What is not moved, and says in one line why not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from esdbclient import AsyncEventStoreDBClient

from api.cli.application import CannotOpen
from bootstrap.ownership import owning
from event_store.accounts import CannotMove
from event_store.port import MAX_APPEND_BYTES, NewEvent
from tests.contract.event_store.support import event, some
from tests.integration.migration.conftest import Installation
from tests.support.cli import CommandLine
from tests.support.eventstoredb import free_port
from tests.support.tampering import change

INSERT = (
    "INSERT INTO events (stream, version, category, id, type, data, metadata, recorded_at) "
    "SELECT 'late-1', 0, 'late', zeroblob(16), type, data, metadata, recorded_at FROM events "
    "WHERE position = 1"
)


async def everything(uri: str) -> list[Any]:
    """All that the server holds, its own events and our bookkeeping too."""
    client = AsyncEventStoreDBClient(uri)
    await client.connect()
    try:
        return [it.id async for it in await client.read_all(filter_exclude=())]
    finally:
        await client.close()


async def append(at: Installation, *events: NewEvent, stream: str = "order-1") -> None:
    async with at.events() as store:
        await store.append(stream, events, expected=await store.stream_version(stream))


async def test_a_server_with_other_events_is_refused_and_left_alone(shop: Installation, uri: str):
    other = event()
    await append(shop.on(uri), other)
    before = await everything(uri)
    with pytest.raises(CannotMove, match=rf"version 0 of order-1 \(id {other.id}\) where the so"):
        await shop.migrate(uri)
    assert await everything(uri) == before


async def test_a_file_with_other_events_is_refused_and_left_alone(
    shop: Installation, other: Installation, uri: str
):
    await shop.migrate(uri)
    await append(other, *some(2))
    before = other.rows()
    with pytest.raises(CannotMove, match=r"version 0 of order-1 .*Nothing was written"):
        await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert other.rows() == before


@pytest.mark.parametrize(
    ("setting", "aspect"),
    [
        ("data = CAST(data || ' ' AS BLOB)", "data"),
        ("metadata = CAST(metadata || ' ' AS BLOB)", "metadata"),
        ("type = 'Other'", "type"),
        ("recorded_at = recorded_at + 1", "recorded at"),
        ("id = zeroblob(16)", "id"),
    ],
    ids=lambda value: value if value.isidentifier() else "",
)
async def test_one_byte_that_differs_is_named(
    shop: Installation, uri: str, setting: str, aspect: str
):
    await shop.migrate(uri)
    change(shop.file, f"UPDATE events SET {setting} WHERE position = 7")
    before = await everything(uri)
    with pytest.raises(CannotMove, match=f"has another {aspect} than in the source"):
        await shop.migrate(uri)
    assert await everything(uri) == before


async def test_a_target_that_went_on_is_refused(shop: Installation, uri: str):
    await shop.migrate(uri)
    later = event()
    await append(shop.on(uri), later)
    with pytest.raises(CannotMove, match=rf"goes on where the source ends, with .* {later.id}"):
        await shop.migrate(uri)


async def test_a_source_that_is_written_meanwhile_is_noticed_and_goes_on(
    shop: Installation, uri: str
):
    @contextmanager
    def disturbing(step: str, _total: int | None) -> Generator[Callable[[int], None]]:
        if step == "moving":
            change(shop.file, INSERT)
        yield lambda _done: None

    with pytest.raises(CannotMove, match="Somebody wrote to the source meanwhile"):
        await shop.migrate(uri, disturbing)
    move = await shop.migrate(uri)
    assert move.migrated.history.events - move.migrated.already_there == 1


@pytest.mark.parametrize("owned", ["data", "other"])
async def test_nothing_is_moved_while_somebody_serves_from_either_folder(
    shop: Installation, other: Installation, owned: str
):
    folder = {"data": shop.data, "other": other.data}[owned]
    with owning(folder), pytest.raises(CannotOpen, match="Another orderlog serves from"):
        await shop.migrate(f"sqlite:{other.file}")
    assert not other.file.exists()


async def test_an_event_that_is_too_large_with_its_time_is_named_before_anything_is_sent(
    shop: Installation, uri: str
):
    large = NewEvent(uuid4(), "Big", b"1" * (MAX_APPEND_BYTES - 2 * len("Big") - 2), b"{}")
    await append(shop, large)
    before = await everything(uri)
    with pytest.raises(CannotMove, match=rf"version 0 of order-1 \(id {large.id}\) can't be moved"):
        await shop.migrate(uri)
    assert await everything(uri) == before


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM events WHERE position = 3", "1 position is empty, from 3 on"),
        ("UPDATE events SET version = version + 1 WHERE position = 3", "in the order of recording"),
        ("UPDATE events SET position = -1 WHERE position = 1", "1 position is empty"),
        (
            "INSERT INTO events SELECT -1, 'x-1', 0, 'x', id, type, data, metadata, recorded_at "
            "FROM events WHERE position = 1",
            "it stands at position -1",
        ),
        ("UPDATE events SET category = 'hidden' WHERE position = 7", "read models find it under"),
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN SELECT 1; END", "is damaged: the table"),
        ("UPDATE events SET metadata = '{}' WHERE position = 7", "metadata is stored as text"),
        ("UPDATE events SET data = 3 WHERE position = 7", "data is stored as integer"),
        (
            "UPDATE events SET metadata = CAST('{\"recordedAt\":1}' AS BLOB) WHERE position = 7",
            "has a recordedAt in its metadata already",
        ),
        (
            "UPDATE events SET stream = '$' || stream, category = '$' || category",
            "would not be seen",
        ),
        (
            "UPDATE events SET stream = 'snapshot-' || stream, category = 'snapshot'",
            "would not be seen",
        ),
        ("UPDATE events SET type = '' WHERE position = 7", "needs a name"),
        ("DELETE FROM events", "has no events"),
    ],
)
async def test_a_source_that_can_not_be_moved_whole_is_not_moved_at_all(
    shop: Installation, uri: str, statement: str, reason: str
):
    with closing(sqlite3.connect(shop.file)) as connection, connection:
        connection.execute(statement)
    before = await everything(uri)
    with pytest.raises((CannotMove, CannotOpen), match=reason):
        await shop.migrate(uri)
    assert await everything(uri) == before


async def test_another_shops_secrets_are_not_replaced(shop: Installation, other: Installation):
    secret = other.data / "secrets" / "fingerprints"
    secret.parent.mkdir()
    secret.write_text("00" * 32)
    with pytest.raises(CannotOpen, match="has the secrets of another shop"):
        await shop.migrate(f"sqlite:{other.file}")
    assert secret.read_text() == "00" * 32
    assert not other.file.exists()


async def test_the_same_server_under_another_name_is_the_same_store(shop: Installation, uri: str):
    await shop.migrate(uri)
    with pytest.raises(CannotMove, match="are the same store"):
        await shop.on(uri).migrate(uri.replace("127.0.0.1", "localhost"))


def line(shop: Installation, to: str) -> str:
    """What the command says that fails."""
    ran = CommandLine(shop.data)("migrate", "--to", to)
    assert (ran.exit_code, ran.stdout) == (1, "")
    (told,) = ran.stderr.splitlines()
    return told


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("http://127.0.0.1:2113", "it is a URI such as esdb://"),
        ("esdb://", "it is a URI such as esdb://"),
        ("sqlite", "Source and target are the same"),
        ("sqlite:data/../data/events.db", "Source and target are the same"),
        ("sqlite:missing/events.db", "There is no folder"),
        ("sqlite:other.db", "has to be named events.db"),
    ],
)
def test_what_is_wrong_with_the_target_is_told_in_one_line(
    shop: Installation, to: str, told: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(shop.data.parent)
    assert told in line(shop, to)


def test_an_unreachable_server_is_told_in_one_line_without_the_password(shop: Installation):
    told = line(shop, f"esdb://admin:s3cret@127.0.0.1:{free_port()}?Tls=false")
    assert "--to can't be used: EventStoreDB does not answer" in told
    assert "s3cret" not in told


def test_a_folder_without_a_shop_is_told_and_not_made(tmp_path: Path):
    empty = Installation(tmp_path / "nothing")
    assert "There is no shop in" in line(empty, "esdb://127.0.0.1:1?Tls=false")
    assert not empty.data.exists()


def test_a_file_that_is_something_else_is_told_and_left_alone(shop: Installation, tmp_path: Path):
    folder = tmp_path / "else"
    folder.mkdir()
    (folder / "events.db").write_text("something else, quite long enough for a header " * 30)
    told = line(shop, f"sqlite:{folder}/events.db")
    assert "not an event store" in told
    assert (folder / "events.db").read_text().startswith("something else")
