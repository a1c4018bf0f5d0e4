"""Hashes of events: what goes in, and how metadata are read back."""

from __future__ import annotations

import hmac
import json
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.chain import Chain, hash_of, readings
from event_store.codec import decode_metadata, encode_unchained
from event_store.port import Position, RecordedEvent
from tests.unit.contracts.samples import SAMPLES, metadata_of

CHAIN = Chain(b"a key")
ID = UUID("9f1c2d3e-0000-4000-8000-0000000000ff")
OTHER_ID = UUID("9f1c2d3e-0000-4000-8000-0000000000fe")


@dataclass(frozen=True)
class Linked:
    before: str = "before"
    stream: str = "order-1"
    version: int = 3
    event_id: UUID = ID
    event_type: str = "ItemAdded"
    data: bytes = b'{"a":1}'
    metadata: bytes = b'{"b":2}'

    def hash(self, chain: Chain = CHAIN) -> str:
        return chain.link(**vars(self))


LINKED = Linked()


def test_it_is_an_hmac_over_all_parts_with_their_lengths():
    parts = (b"before", b"order-1", b"ItemAdded", b'{"a":1}', b'{"b":2}')
    content = b"orderlog event 1\0" + struct.pack(">q", 3)
    content += b"".join(struct.pack(">Q", len(part)) for part in parts)
    content += ID.bytes + b"".join(parts)
    digest = hmac.digest(b"a key", content, "sha256")
    assert LINKED.hash() == urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 200])
def test_keys_of_any_length_are_used_as_hmac_does(size: int):
    key = bytes(range(size % 256))[:size]
    digest = hmac.digest(key, b"orderlog content 1\0text", "sha256")
    assert Chain(key).signature(b"text") == urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    "other",
    [
        {"before": "another"},
        {"before": ""},
        {"stream": "order-2"},
        {"version": 4},
        {"event_id": OTHER_ID},
        {"event_type": "ItemRemoved"},
        {"data": b'{"a":2}'},
        {"metadata": b'{"b":3}'},
    ],
    ids=str,
)
def test_another_part_makes_another_hash(other: dict[str, Any]):
    assert replace(LINKED, **other).hash() != LINKED.hash()


@given(st.binary(max_size=8), st.integers(0, 8))
def test_what_one_part_gives_to_the_next_shows(content: bytes, at: int):
    one = replace(LINKED, data=content[:at], metadata=content[at:])
    other = replace(LINKED, data=content, metadata=b"")
    assert (one.hash() == other.hash()) == (one == other)


def test_another_key_makes_another_hash():
    assert LINKED.hash(Chain(b"another")) != LINKED.hash()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_chained_event_can_be_read_and_fits_its_hash(name: str):
    event = SAMPLES[name]
    metadata = metadata_of(event)
    unchained = [encode_unchained(event, metadata, id_) for id_ in (ID, OTHER_ID)]
    (first, second), last = CHAIN.chained("order-1", 7, "before", unchained)
    hashes = [CHAIN.link("before", "order-1", 7, *unchained[0])]
    hashes.append(CHAIN.link(hashes[0], "order-1", 8, *unchained[1]))
    assert [hash_of(new.metadata) for new in (first, second)] == hashes
    assert last == hashes[1]
    for new, parts, hash_ in zip((first, second), unchained, hashes, strict=True):
        assert (new.id, new.type, new.data) == parts[:3]
        assert list(readings(new.metadata)) == [(hash_, parts[3])] * 2
        recorded = RecordedEvent(
            new.id, "order-1", 7, new.type, new.data, new.metadata, Position("1"), event.timestamp
        )
        assert replace_hash(decode_metadata(recorded)) == metadata
        assert decode_metadata(recorded).hash == hash_


def replace_hash(metadata: Any) -> Any:
    return type(metadata)(
        **{f: getattr(metadata, f) for f in metadata.__struct_fields__ if f != "hash"}
    )


def test_metadata_rewritten_by_another_store_are_read_the_same():
    (new,), last = CHAIN.chained("order-1", 0, "", [(ID, "T", b"{}", b'{"a":{"x":1,"y":2},"b":3}')])
    parts = json.loads(new.metadata)
    rewritten = {"recordedAt": "2026-01-05T10:00:00Z", "hash": parts["hash"], "b": 3}
    rewritten["a"] = {"y": 2, "x": 1}
    stored = json.dumps(rewritten, indent=2).encode()
    assert list(readings(stored)) == [(last, b'{"a":{"x":1,"y":2},"b":3}')]


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"[]",
        b"1",
        b"\xff",
        b"{",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":"\\ud800"}',
        b'{"a":' * 100_000,
        b'{"a":1}'.decode().encode("utf-16"),
    ],
    ids=lambda metadata: str(metadata[:20]),
)
def test_metadata_that_can_be_read_in_two_ways_or_none_are_refused(metadata: bytes):
    with pytest.raises(ValueError, match="can't be read"):
        list(readings(metadata))
    assert hash_of(metadata) is None


@pytest.mark.parametrize("metadata", [b"{}", b'{"hash":null}', b'{"a":1}'])
def test_metadata_without_a_hash(metadata: bytes):
    assert hash_of(metadata) is None
