"""The time that events of another store carry in their metadata."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.chain import readings
from event_store.moved import recorded_at_of, with_recorded_at, without_recorded_at

AT = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)
FORMS = [
    b'{"by":"ada"}',
    b'{"by":"ada","hash":"x"}',
    b"{}",
    b"{ }",
    b' \n{"by":"ada"}',
    b"",
    b"{",
    b"{,}",
    b"[]",
    b"null",
    b"\x00\xff",
    b'{"recordedAt":1}',
    b'["recordedAt","2026-01-05T10:00:00.123456Z",',
    b'{"by":1,"by":2}',
]
times = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001
# Bytes that look like what is put in front, in whole or in part.
pieces = st.sampled_from([b"{", b"[", b",", b"}", b" ", b'"recordedAt"', b":", b'"a":1', *FORMS])


def meaning(metadata: bytes) -> object:
    """What a check of the chain makes of them, whatever order their keys have."""
    try:
        *_, last = readings(metadata)
    except ValueError:
        return None
    return last


@pytest.mark.parametrize("metadata", FORMS, ids=repr)
def test_any_metadata_travel_with_a_time_and_come_back_as_they_were(metadata: bytes):
    moved = with_recorded_at(metadata, AT)
    assert moved != metadata
    assert recorded_at_of(moved) == AT
    assert without_recorded_at(moved) == metadata
    assert without_recorded_at(with_recorded_at(moved, AT)) == moved


@given(st.binary() | st.lists(pieces).map(b"".join), times)
def test_bytes_of_any_kind_come_back(metadata: bytes, at: datetime):
    moved = with_recorded_at(metadata, at)
    assert recorded_at_of(moved) == at
    assert without_recorded_at(moved) == metadata


@given(st.lists(pieces).map(b"".join))
def test_a_check_of_the_chain_reads_the_same_with_and_without_a_time(metadata: bytes):
    moved = with_recorded_at(metadata, AT)
    if b'"recordedAt"' not in metadata:
        assert meaning(moved) == meaning(metadata)


def test_the_time_is_in_utc_with_microseconds():
    noon = datetime.fromisoformat("2026-07-01T14:00:00+02:00")
    assert with_recorded_at(b"{}", noon) == b'{"recordedAt":"2026-07-01T12:00:00.000000Z"}'
    assert with_recorded_at(b'{"a":1}', AT) == (
        b'{"recordedAt":"2026-01-05T10:00:00.123456Z","a":1}'
    )


@pytest.mark.parametrize(
    "metadata",
    [
        b'{"by":"ada"}',
        b'{"recordedAt":null}',
        b'{"recordedAt":"yesterday"}',
        b'{"recordedAt":"2026-01-05T10:00:00"}',
        b'{"recordedAt":"2026-13-45T99:00:00.000000Z"}',
        b'"recordedAt"',
        b'{"recordedAt":',
    ],
    ids=repr,
)
def test_what_says_no_time_has_none(metadata: bytes):
    assert recorded_at_of(metadata) is None


def test_a_time_that_something_else_put_anywhere_is_read_and_stays():
    metadata = b'{"by":"ada", "recordedAt": "2026-01-05T10:00:00.123456+00:00"}'
    assert recorded_at_of(metadata) == AT
    assert without_recorded_at(metadata) == metadata
