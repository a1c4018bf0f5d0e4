"""Every way to change the events in the file, and what a check says of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_store.port import NO_VERSION
from tests.integration.tamper.conftest import ORDER, OTHER, STOCK
from tests.support.tampering import change, rows, verify_file

AT = "WHERE stream = ? AND version = ?"


def metadata_of(path: Path, stream: str, version: int) -> dict[str, Any]:
    ((stored,),) = rows(path, f"SELECT metadata FROM events {AT}", stream, version)
    return json.loads(stored)


def set_metadata(path: Path, stream: str, version: int, metadata: Any) -> None:
    stored = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    change(path, (f"UPDATE events SET metadata = ? {AT}", (stored, stream, version)))


def edit(path: Path, edit_metadata: Callable[[dict[str, Any]], Any], version: int = 2) -> None:
    metadata = metadata_of(path, ORDER, version)
    edit_metadata(metadata)
    set_metadata(path, ORDER, version, metadata)


def data(path: Path) -> None:
    change(path, (f"UPDATE events SET data = replace(data, '1', '9') {AT}", (ORDER, 2)))
    change(path, (f"UPDATE events SET data = CAST(data AS BLOB) {AT}", (ORDER, 2)))


def data_as_text(path: Path) -> None:
    change(path, (f"UPDATE events SET data = CAST(data AS TEXT) {AT}", (ORDER, 2)))


def event_type(path: Path) -> None:
    change(path, (f"UPDATE events SET type = 'ItemRemoved' {AT}", (ORDER, 2)))


def event_id(path: Path) -> None:
    change(path, (f"UPDATE events SET id = ? {AT}", (uuid4().bytes, ORDER, 2)))


def actor(path: Path) -> None:
    edit(path, lambda metadata: metadata["actor"].update(id="somebody else"))


def time(path: Path) -> None:
    edit(path, lambda metadata: metadata.update(occurredAt="2020-01-01T00:00:00Z"))


def more_metadata(path: Path) -> None:
    edit(path, lambda metadata: metadata.update(traceparent="00-1-1-01"))


def less_metadata(path: Path) -> None:
    edit(path, lambda metadata: metadata.pop("commandId"))


def other_hash(path: Path) -> None:
    edit(path, lambda metadata: metadata.update(hash="A" * 43))


def hash_of_another_event(path: Path) -> None:
    other = metadata_of(path, ORDER, 4)["hash"]
    edit(path, lambda metadata: metadata.update(hash=other))


def metadata_of_another_event(path: Path) -> None:
    set_metadata(path, ORDER, 2, metadata_of(path, ORDER, 1))


def a_key_twice(path: Path) -> None:
    stored = json.dumps(metadata_of(path, ORDER, 2), separators=(",", ":"))
    set_metadata(path, ORDER, 2, b'{"command":"CancelOrder",' + stored[1:].encode())


def not_json(path: Path) -> None:
    set_metadata(path, ORDER, 2, b"\xff")


CHANGED = (
    data,
    data_as_text,
    event_type,
    event_id,
    actor,
    time,
    more_metadata,
    less_metadata,
    other_hash,
    hash_of_another_event,
    a_key_twice,
)
CHANGED_WITH_THEIR_HASH = (metadata_of_another_event, not_json)


async def found(path: Path, **how: Any) -> list[tuple[str, int, str]]:
    return [(f.stream, f.version, f.fault) for f in await verify_file(path, **how)]


async def test_a_file_left_alone_is_as_recorded(path: Path):
    assert await found(path) == []


@pytest.mark.parametrize("how", CHANGED)
async def test_one_event_changed_then_just_that_one_is_named(path: Path, how: Any):
    how(path)
    (finding,) = await verify_file(path)
    assert (finding.stream, finding.version, finding.fault) == (ORDER, 2, "changed")
    ((stored,),) = rows(path, f"SELECT id FROM events {AT}", ORDER, 2)
    assert finding.event_id == UUID(bytes=stored)
    assert await found(path, stream=ORDER) == [(ORDER, 2, "changed")]
    assert await found(path, stream=OTHER) == []


@pytest.mark.parametrize("how", CHANGED_WITH_THEIR_HASH)
async def test_content_and_hash_changed_then_the_next_event_can_not_be_checked(
    path: Path, how: Any
):
    how(path)
    assert await found(path) == [(ORDER, 2, "changed"), (ORDER, 3, "unproven")]


@pytest.mark.parametrize("version", range(6))
async def test_any_event_of_a_stream(path: Path, version: int):
    edit(path, lambda metadata: metadata["actor"].update(id="somebody else"), version)
    assert await found(path) == [(ORDER, version, "changed")]


@settings(max_examples=40, deadline=None)
@given(
    version=st.integers(0, 5),
    column=st.sampled_from(["data", "metadata"]),
    place=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_any_bit_flipped_is_found(filled: Path, version: int, column: str, place: int, bit: int):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(filled, Path(folder) / "events.db"))
        ((stored,),) = rows(copy, f"SELECT {column} FROM events {AT}", ORDER, version)
        flipped = bytearray(stored)
        flipped[place % len(flipped)] ^= 1 << bit
        values = (bytes(flipped), ORDER, version)
        change(copy, (f"UPDATE events SET {column} = ? {AT}", values))
        named = asyncio.run(found(copy))
    assert named
    assert named[0][:2] == (ORDER, version)
    assert {fault for _, _, fault in named[1:]} <= {"unproven"}
    assert len(named) <= 2


ODD = (0, -1, 1.5, 2**63 - 1, "", "x", "order-x", "\U0001f375", b"", b"\xff", b"{}", b"order")


@settings(max_examples=60, deadline=None)
@given(
    position=st.integers(1, 14),
    column=st.sampled_from(["stream", "version", "category", "id", "type", "data", "metadata"]),
    value=st.sampled_from(ODD),
    more=st.sampled_from(["", ", position = -position", ", recorded_at = 'x'"]),
)
def test_any_value_in_any_column_is_found_and_ends_no_check(
    filled: Path, position: int, column: str, value: Any, more: str
):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(filled, Path(folder) / "events.db"))
        change(copy, "DROP INDEX events_by_stream")
        query = f"SELECT {column}, stream FROM events WHERE position = ?"
        ((before, stream),) = rows(copy, query, position)
        setting = f"UPDATE events SET {column} = ?{more} WHERE position = ?"
        change(copy, (setting, (value, position)))
        ((after, _),) = rows(copy, query, -position if "-" in more else position)
        named = asyncio.run(found(copy))
        asyncio.run(found(copy, stream=stream))
    assert bool(named) == (more != "" or (type(after), after) != (type(before), before))


async def test_a_hash_taken_away_is_found(path: Path):
    edit(path, lambda metadata: metadata.pop("hash"))
    assert await found(path) == [(ORDER, 2, "unhashed")]


async def test_all_hashes_of_a_stream_taken_away_are_found(path: Path):
    for version in range(6):
        edit(path, lambda metadata: metadata.pop("hash"), version)
    assert await found(path) == [(ORDER, version, "unhashed") for version in range(6)]


async def test_removed_from_the_middle(path: Path):
    change(path, (f"DELETE FROM events {AT}", (ORDER, 2)))
    assert await found(path) == [(ORDER, 2, "missing"), (ORDER, 3, "unproven")]


async def test_first_event_removed(path: Path):
    change(path, (f"DELETE FROM events {AT}", (ORDER, 0)))
    assert await found(path, stream=ORDER) == [(ORDER, 0, "missing"), (ORDER, 1, "unproven")]
    assert await found(path) == [(ORDER, 0, "missing"), (ORDER, 1, "unproven")]


async def test_several_removed_at_once(path: Path):
    change(path, ("DELETE FROM events WHERE stream = ? AND version IN (2, 3)", (ORDER,)))
    (gap, after) = await verify_file(path)
    assert (gap.version, gap.event_id, gap.fault) == (2, None, "missing")
    assert "versions 2 to 3" in gap.detail
    assert (after.version, after.fault) == (4, "unproven")


async def test_removed_and_the_rest_moved_up(path: Path):
    change(
        path,
        (f"DELETE FROM events {AT}", (ORDER, 2)),
        ("UPDATE events SET version = version - 1 WHERE stream = ? AND version > 2", (ORDER,)),
    )
    assert await found(path) == [
        (ORDER, 2, "changed"),
        (ORDER, 3, "moved"),
        (ORDER, 4, "moved"),
    ]


def forged(version: int) -> tuple[str, tuple[Any, ...]]:
    """A copy of the last event, with an id of its own, at this version."""
    return (
        "INSERT INTO events (stream, version, category, id, type, data, metadata, recorded_at) "
        f"SELECT stream, ?, category, ?, type, data, metadata, recorded_at FROM events {AT}",
        (version, uuid4().bytes, ORDER, 5),
    )


async def test_added_at_the_end(path: Path):
    change(path, forged(6))
    assert await found(path) == [(ORDER, 6, "changed")]


async def test_added_in_the_middle(path: Path):
    change(
        path,
        ("UPDATE events SET version = -version WHERE stream = ? AND version > 2", (ORDER,)),
        ("UPDATE events SET version = 1 - version WHERE stream = ? AND version < 0", (ORDER,)),
    )
    insert, values = forged(3)
    change(path, (insert, (3, values[1], ORDER, 6)))
    assert await found(path) == [
        (ORDER, 3, "changed"),
        (ORDER, 4, "moved"),
        (ORDER, 5, "moved"),
        (ORDER, 6, "moved"),
    ]


async def test_added_without_a_hash(path: Path):
    change(path, forged(6))
    edit(path, lambda metadata: metadata.pop("hash"), 6)
    assert await found(path) == [(ORDER, 6, "unhashed")]


async def test_two_events_swap_their_versions(path: Path):
    change(
        path,
        (f"UPDATE events SET version = 99 {AT}", (ORDER, 1)),
        (f"UPDATE events SET version = 1 {AT}", (ORDER, 2)),
        (f"UPDATE events SET version = 2 {AT}", (ORDER, 99)),
    )
    assert await found(path) == [(ORDER, 1, "changed"), (ORDER, 2, "moved")]


async def test_two_events_swap_their_positions(path: Path):
    ((one,), (two,)) = rows(
        path, "SELECT position FROM events WHERE stream = ? AND version IN (1, 2)", ORDER
    )
    change(
        path,
        ("UPDATE events SET position = 999 WHERE position = ?", (one,)),
        ("UPDATE events SET position = ? WHERE position = ?", (one, two)),
        ("UPDATE events SET position = ? WHERE position = 999", (two,)),
    )
    assert await found(path) == [(ORDER, 2, "misplaced")]


async def test_moved_to_the_end_of_another_stream(path: Path):
    change(
        path,
        (f"UPDATE events SET stream = ?, version = 4 {AT}", (OTHER, ORDER, 4)),
    )
    assert sorted(await found(path)) == [
        (ORDER, 4, "missing"),
        (ORDER, 5, "unproven"),
        (OTHER, 4, "changed"),
    ]


async def test_a_stream_copied_under_another_name(path: Path):
    change(
        path,
        (
            "INSERT INTO events (stream, version, category, id, type, data, metadata, recorded_at) "
            "SELECT 'stock-COFFEE', version, category, id, type, data, metadata, recorded_at "
            "FROM events WHERE stream = ?",
            (STOCK,),
        ),
    )
    assert await found(path) == [
        ("stock-COFFEE", 0, "changed"),
        ("stock-COFFEE", 1, "unproven"),
        ("stock-COFFEE", 2, "unproven"),
    ]


async def test_the_same_version_twice(path: Path):
    change(path, "DROP INDEX events_by_stream", forged(3))
    assert await found(path) == [("", NO_VERSION, "damaged"), (ORDER, 3, "misplaced")]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX events_by_stream",
        "DROP INDEX events_by_category",
        "CREATE INDEX further ON events (type)",
        "CREATE TRIGGER later AFTER UPDATE ON checkpoints BEGIN DELETE FROM events; END",
    ],
)
async def test_index_or_trigger_that_is_not_ours(path: Path, statement: str):
    change(path, statement)
    assert await found(path) == [("", NO_VERSION, "damaged")]


async def test_several_streams_then_all_are_listed(path: Path):
    edit(path, lambda metadata: metadata["actor"].update(id="somebody else"), 1)
    edit(path, lambda metadata: metadata["actor"].update(id="somebody else"), 5)
    change(path, (f"UPDATE events SET data = x'7b7d' {AT}", (STOCK, 1)))
    assert sorted(await found(path)) == [
        (ORDER, 1, "changed"),
        (ORDER, 5, "changed"),
        (STOCK, 1, "changed"),
    ]


async def test_other_order_of_keys_and_a_time_that_a_migration_added_are_no_change(path: Path):
    for version in range(6):
        metadata = metadata_of(path, ORDER, version)
        backwards = dict(reversed(metadata.items()))
        set_metadata(path, ORDER, version, {"recordedAt": "2020-01-01T00:00:00Z", **backwards})
    assert await found(path) == []
