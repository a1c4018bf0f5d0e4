"""Files with values, rows and tables that are not ours: they are named, and the rest goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from event_store.errors import EventStoreError
from tests.integration.tamper.conftest import ORDER, OTHER, STOCK
from tests.support.tampering import change, rows, verify_file

AT = "WHERE stream = ? AND version = 2"
STOCK_1 = (STOCK, 1, "changed")


async def found(path: Path, **how: Any) -> list[tuple[str, int, str]]:
    return [(f.stream, f.version, f.fault) for f in await verify_file(path, **how)]


@pytest.mark.parametrize("value", ["'two'", "2.5", "-3", "x'02'"], ids=str)
async def test_a_version_that_is_none_is_named_with_what_is_missing(path: Path, value: str):
    ((id_,),) = rows(path, f"SELECT lower(hex(id)) FROM events {AT}", ORDER)
    change(path, (f"UPDATE events SET version = {value} {AT}", (ORDER,)))
    (odd, *rest) = await verify_file(path)
    assert (odd.stream, odd.version, odd.fault) == (ORDER, -1, "changed")
    assert odd.event_id is not None
    assert odd.event_id.hex == id_
    assert [(f.version, f.fault) for f in rest] == [(2, "missing"), (3, "unproven")]
    assert (ORDER, 2, "missing") in await found(path, stream=ORDER)


@pytest.mark.parametrize("value", ["9223372036854775807", "8"], ids=str)
async def test_a_version_far_away_is_found(path: Path, value: str):
    change(path, (f"UPDATE events SET version = {value} {AT}", (ORDER,)))
    named = await verify_file(path)
    assert (named[0].stream, named[0].version, named[0].fault) == (ORDER, 2, "missing")


@pytest.mark.parametrize(
    "setting",
    [
        "metadata = replace(metadata, 'correlation', 'evil')",
        "metadata = json_set(CAST(metadata AS TEXT), '$.actor.id', 'evil')",
        "metadata = json_remove(CAST(metadata AS TEXT), '$.commandId')",
        "metadata = CAST(metadata AS TEXT)",
        "metadata = 5",
        "data = 5",
        "id = 'abc'",
        "id = x'00'",
        "recorded_at = 'then'",
        "recorded_at = 1e300",
        "recorded_at = 9223372036854775807",
        "recorded_at = -1",
        "type = CAST(x'ff' AS TEXT)",
        "type = x'4f'",
    ],
)
async def test_any_form_of_a_value_is_named_and_the_rest_goes_on(path: Path, setting: str):
    change(
        path,
        (f"UPDATE events SET {setting} {AT}", (ORDER,)),
        ("UPDATE events SET data = x'7b7d' WHERE stream = ? AND version = 1", (STOCK,)),
    )
    named = await found(path)
    assert {(ORDER, 2, "changed"), STOCK_1} <= set(named)
    assert set(named) <= {(ORDER, 2, "changed"), (ORDER, 3, "unproven"), STOCK_1}
    assert (ORDER, 2, "changed") in await found(path, stream=ORDER)


@pytest.mark.parametrize("value", ["CAST(x'ff' AS TEXT)", "x'6f72646572'", "CAST(stream AS BLOB)"])
async def test_a_stream_that_is_no_name_is_named_and_the_rest_goes_on(path: Path, value: str):
    change(path, (f"UPDATE events SET stream = {value} {AT}", (ORDER,)))
    change(path, ("UPDATE events SET data = x'7b7d' WHERE stream = ? AND version = 1", (STOCK,)))
    named = await found(path)
    assert [(version, fault) for _, version, fault in named if fault == "changed"] == [
        (-1, "changed"),
        (1, "changed"),
    ]
    assert (ORDER, 2, "missing") in named


@pytest.mark.parametrize("value", ["'x'", "''", "CAST('order' AS BLOB)", "'order '"])
async def test_a_category_that_hides_a_stream_from_read_models_is_found(path: Path, value: str):
    change(path, (f"UPDATE events SET category = {value} WHERE stream = ?", (ORDER,)))
    named = await found(path)
    assert [version for stream, version, _ in named if stream == ORDER] == list(range(6))
    assert {stream for stream, _, _ in named} == {ORDER}
    assert await found(path, stream=ORDER) == named
    assert await found(path, stream=OTHER) == []


async def test_positions_in_front_of_the_first_are_found(path: Path):
    change(path, ("UPDATE events SET position = -position WHERE stream = ?", (ORDER,)))
    named = await found(path)
    assert [(version, fault) for _, version, fault in named] == [
        (version, "misplaced") for version in range(6)
    ]


async def test_a_row_that_an_index_does_not_have_is_found(path: Path):
    # What sqlite3 does with writable_schema: the index is taken away, a row put in, and set back.
    change(
        path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX events_by_category ON events (category) "
        "WHERE position < 0' WHERE name = 'events_by_category'",
    )
    change(path, "REINDEX events_by_category")
    change(
        path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX events_by_category ON events (category)' "
        "WHERE name = 'events_by_category'",
    )
    (first, *_) = await verify_file(path)
    assert (first.stream, first.version, first.event_id, first.fault) == ("", -1, None, "damaged")
    assert "events_by_category" in first.detail


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER helpful AFTER INSERT ON events BEGIN "
        "UPDATE events SET data = x'7b7d' WHERE position = new.position; END",
        "ALTER TABLE events ADD COLUMN more TEXT",
    ],
)
async def test_a_table_that_is_not_as_we_made_it_is_found(path: Path, statement: str):
    change(path, statement)
    (finding,) = await verify_file(path)
    assert (finding.stream, finding.fault) == ("", "damaged")
    assert "altered" in finding.detail


async def test_a_constant_that_json_does_not_have_is_found(path: Path):
    ((before,),) = rows(path, f"SELECT metadata FROM events {AT}", ORDER)
    changed = b'{"recordedAt":NaN,' + before[1:]
    change(path, (f"UPDATE events SET metadata = ? {AT}", (changed, ORDER)))
    assert await found(path) == [(ORDER, 2, "changed")]


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE VIEW events AS SELECT * FROM hidden",),
        ("CREATE TABLE events AS SELECT * FROM hidden",),
        ("CREATE TABLE events AS SELECT * FROM hidden", "UPDATE events SET position = 'x'"),
        ("CREATE TABLE events AS SELECT * FROM hidden", "UPDATE events SET position = NULL"),
        ("CREATE TABLE events AS SELECT * FROM hidden", "UPDATE events SET stream = NULL"),
        ("CREATE TABLE events AS SELECT * FROM hidden", "UPDATE events SET position = 1.5"),
    ],
)
async def test_a_table_in_place_of_ours_is_found(path: Path, statements: tuple[str, ...]):
    change(path, "ALTER TABLE events RENAME TO hidden", *statements)
    (finding, *_) = await verify_file(path)
    assert (finding.stream, finding.fault) == ("", "damaged")


async def test_a_file_without_an_identity_is_an_error_that_says_so(path: Path):
    change(path, "DELETE FROM meta")
    with pytest.raises(EventStoreError, match="identity"):
        await verify_file(path)


async def test_a_table_without_our_columns_is_an_error_that_says_so(path: Path):
    change(path, "ALTER TABLE events RENAME COLUMN category TO kind")
    with pytest.raises(EventStoreError, match="no such column"):
        await verify_file(path)
