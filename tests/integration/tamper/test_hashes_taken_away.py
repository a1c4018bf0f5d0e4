"""A past that was rewritten without hashes, in a store that began with them and in an older one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from event_store.port import NO_VERSION
from event_store.sqlite import SqliteEventStore
from event_store.verification import Finding
from event_store.verifying import Verified
from tests.integration.tamper.conftest import ORDER, OTHER
from tests.integration.tamper.test_heads import head_of
from tests.support.tampering import change, rows, verify

ADDED = (
    "INSERT INTO events (position, stream, version, category, id, type, data, metadata, "
    "recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)"
)


async def check(path: Path, **how: Any) -> tuple[Verified, list[Finding]]:
    store = await SqliteEventStore.open(path)
    try:
        return await verify(store, **how)
    finally:
        await store.close()


def without_hash(metadata: bytes) -> bytes:
    parts = json.loads(metadata)
    del parts["hash"]
    return json.dumps(parts).encode()


def strip(path: Path, stream: str | None = None) -> None:
    for position, name, metadata in rows(path, "SELECT position, stream, metadata FROM events"):
        if stream in (None, name):
            values = (without_hash(metadata), position)
            change(path, ("UPDATE events SET metadata = ? WHERE position = ?", values))


def add(path: Path, position: int, stream: str, version: int) -> None:
    ((data, metadata),) = rows(
        path, "SELECT data, metadata FROM events WHERE stream = ? AND version = 1", ORDER
    )
    category = stream.partition("-")[0]
    values = (position, stream, version, category, uuid4().bytes, "ItemAdded", data)
    change(path, (ADDED, (*values, without_hash(metadata))))


def put_first(path: Path, stream: str) -> None:
    """Give the events of a stream the first positions, and those that were there the next ones."""
    order = rows(path, "SELECT position FROM events ORDER BY stream != ?, position", stream)
    change(path, "UPDATE events SET position = -position")
    for new, (old,) in enumerate(order, start=1):
        change(path, ("UPDATE events SET position = ? WHERE position = ?", (new, -old)))


async def test_all_of_them_then_nothing_is_sound(path: Path):
    strip(path)
    verified, findings = await check(path)
    assert findings == []
    assert verified.unchained == verified.events
    assert not verified.sound
    verified, findings = await check(path, all_hashed=True)
    assert {finding.fault for finding in findings} == {"unhashed"}
    assert len(findings) == verified.events


async def test_those_of_one_stream_put_first(path: Path):
    strip(path, ORDER)
    put_first(path, ORDER)
    verified, findings = await check(path)
    assert (verified.sound, verified.unchained, findings) == (False, 6, [])
    _, findings = await check(path, all_hashed=True)
    assert [(f.stream, f.version, f.fault) for f in findings] == [
        (ORDER, version, "unhashed") for version in range(6)
    ]


async def test_a_stream_that_a_head_does_not_list_must_have_hashes(path: Path):
    head = await head_of(path)
    add(path, 1000, "order-forged", 0)
    put_first(path, "order-forged")
    verified, findings = await check(path)
    assert (verified.sound, verified.unchained, findings) == (False, 1, [])
    _, findings = await check(path, against=head)
    assert [(f.stream, f.version, f.fault) for f in findings] == [("order-forged", 0, "unhashed")]


async def test_a_rewritten_stream_is_not_said_to_be_written_with_the_key(path: Path):
    head = await head_of(path)
    strip(path)
    _, findings = await check(path, against=head)
    assert {finding.fault for finding in findings} == {"unhashed"}
    assert {finding.stream for finding in findings} == {end.stream for end in head.streams}


async def test_an_event_at_a_position_that_is_never_given_out(path: Path):
    head = await head_of(path)
    for position in (-1, 0):
        add(path, position, OTHER, 4 + position + 1)
    for how in ({}, {"against": head}, {"all_hashed": True}):
        _, findings = await check(path, **how)
        assert [(f.stream, f.version, f.fault) for f in findings] == [
            (OTHER, 4, "unhashed"),
            (OTHER, 5, "unhashed"),
        ]


async def test_a_version_that_is_there_twice_is_named_beside_other_faults(path: Path):
    change(path, "DROP INDEX events_by_stream", "UPDATE events SET position = -10 * position")
    change(path, "UPDATE events SET position = -position")
    ((place,),) = rows(path, "SELECT position FROM events WHERE stream = ? AND version = 3", ORDER)
    add(path, place + 1, ORDER, 3)
    change(
        path, ("UPDATE events SET data = x'7b7d' WHERE stream = ? AND version IN (1, 5)", (ORDER,))
    )
    _, findings = await check(path)
    assert sorted((f.version, f.fault) for f in findings) == [
        (NO_VERSION, "damaged"),
        (1, "changed"),
        (3, "misplaced"),
        (5, "changed"),
    ]
