"""Heads: what is found with one, and that one can't be forged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.commands.sales import AddItem
from event_store import heads
from event_store.chain import Chain
from event_store.heads import Head, NotGenuine
from event_store.sqlite import SqliteEventStore
from event_store.verification import Finding
from event_store.verifying import Verification
from tests.integration.tamper.conftest import ORDER, OTHER, STOCK, TEA
from tests.support.commands import CHAIN, Shop, create_order, uid
from tests.support.tampering import change, rows, verify, verify_file

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


async def head_of(path: Path) -> Head:
    store = await SqliteEventStore.open(path)
    verification = Verification(store, await store.identity(), CHAIN, lambda _: None)
    await verification.everything()
    await store.close()
    return verification.head(AT)


@pytest.fixture
async def head(path: Path) -> Head:
    return heads.read(heads.signed(await head_of(path), CHAIN), CHAIN)


async def found(path: Path, head: Head, **how: Any) -> list[tuple[str, int, str]]:
    return [(f.stream, f.version, f.fault) for f in await verify_file(path, against=head, **how)]


async def test_it_lists_every_stream_with_its_version_and_hash(path: Path, head: Head):
    expected = rows(path, "SELECT stream, max(version), metadata FROM events GROUP BY stream")
    assert [(end.stream, end.version, end.hash) for end in head.streams] == [
        (stream, version, json.loads(metadata)["hash"]) for stream, version, metadata in expected
    ]
    ((count, position),) = rows(path, "SELECT count(*), max(position) FROM events")
    assert (head.events, int(head.position or 0), head.made_at) == (count, position, AT)


async def test_a_longer_tail_and_new_streams_are_fine(path: Path, head: Head):
    store = await SqliteEventStore.open(path)
    shop = Shop(store)
    await shop.handle(create_order(3, TEA))
    await shop.handle(AddItem(order_id=uid(2), product_id=TEA, quantity=1))
    verified, findings = await verify(store, against=head)
    await store.close()
    assert findings == []
    assert not verified.other_store


async def test_a_cut_tail_is_named(path: Path, head: Head):
    change(path, ("DELETE FROM events WHERE stream = ? AND version > 3", (ORDER,)))
    assert await verify_file(path) == []
    assert await found(path, head) == [(ORDER, 4, "cut")]
    assert await found(path, head, stream=ORDER) == [(ORDER, 4, "cut")]
    assert await found(path, head, stream=OTHER) == []


def empty_positions(findings: list[Finding]) -> int:
    """How many there are, if that is all that was found."""
    (finding,) = findings
    assert (finding.stream, finding.version, finding.fault) == ("", -1, "missing")
    return int(finding.detail.split()[0])


async def test_a_position_that_comes_long_after_the_others_is_found(path: Path):
    change(path, ("UPDATE events SET position = ? WHERE position = 14", (2**63 - 1,)))
    assert empty_positions(await verify_file(path)) == 2**63 - 15


async def test_a_removed_stream_is_named(path: Path, head: Head):
    change(path, ("DELETE FROM events WHERE stream = ?", (STOCK,)))
    assert empty_positions(await verify_file(path)) == 3
    assert await found(path, head) == [(STOCK, 0, "removed")]
    assert await found(path, head, stream=STOCK) == [(STOCK, 0, "removed")]


async def test_everything_removed_then_every_stream_is_named(path: Path, head: Head):
    change(path, "DELETE FROM events")
    assert {(stream, fault) for stream, _, fault in await found(path, head)} == {
        (end.stream, "removed") for end in head.streams
    }


async def test_a_tail_written_anew_with_the_key_is_named(path: Path, head: Head):
    change(path, ("DELETE FROM events WHERE stream = ? AND version > 4", (ORDER,)))
    store = await SqliteEventStore.open(path)
    shop = Shop(store)
    change(path, ("DELETE FROM events WHERE stream = ? AND version > 2", (OTHER,)))
    for _ in range(3):
        await shop.handle(AddItem(order_id=uid(2), product_id=TEA, quantity=7))
    await store.close()
    assert empty_positions(await verify_file(path)) == 1
    assert sorted(await found(path, head)) == [(ORDER, 5, "cut"), (OTHER, 3, "replaced")]


async def test_hashes_taken_away_from_everything_are_found_with_a_head(path: Path, head: Head):
    for position, metadata in rows(path, "SELECT position, metadata FROM events"):
        parts = json.loads(metadata)
        del parts["hash"]
        values = (json.dumps(parts).encode(), position)
        change(path, ("UPDATE events SET metadata = ? WHERE position = ?", values))
    assert await verify_file(path) == []
    assert {stream for stream, _, _ in await found(path, head)} == {
        end.stream for end in head.streams
    }


async def test_a_store_of_another_identity_is_told(path: Path, head: Head):
    change(path, "UPDATE meta SET value = 'another' WHERE key = 'identity'")
    store = await SqliteEventStore.open(path)
    verified, findings = await verify(store, against=head)
    await store.close()
    assert (verified.other_store, findings) == (True, [])


def _version(whole: Any) -> None:
    whole["streams"][0]["version"] -= 1


def _stream_left_out(whole: Any) -> None:
    del whole["streams"][0]


def _signature(whole: Any) -> None:
    whole["signature"] = "A" * 43


def _more(whole: Any) -> None:
    whole["more"] = 1


@pytest.mark.parametrize(
    "edit",
    [
        _version,
        _stream_left_out,
        _signature,
        _more,
        lambda whole: whole.update(store="another"),
        lambda whole: whole.update(made_at="2020-01-01T00:00:00Z"),
        lambda whole: whole.update(position=None),
        lambda whole: whole.update(events=1),
        lambda whole: whole.update(format=2),
        lambda whole: whole.pop("signature"),
    ],
)
async def test_a_changed_file_is_refused(head: Head, edit: Any):
    whole = json.loads(heads.signed(head, CHAIN))
    edit(whole)
    with pytest.raises(NotGenuine):
        heads.read(json.dumps(whole).encode(), CHAIN)


async def test_a_file_signed_anew_with_another_key_is_refused(head: Head):
    with pytest.raises(NotGenuine, match="another key"):
        heads.read(heads.signed(head, Chain(b"another")), CHAIN)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"signature":1}'])
def test_a_file_of_something_else_is_refused(content: bytes):
    with pytest.raises(NotGenuine):
        heads.read(content, CHAIN)


async def test_one_formatted_differently_is_the_same(head: Head):
    again = json.dumps(json.loads(heads.signed(head, CHAIN))).encode()
    assert heads.read(again, CHAIN) == head
