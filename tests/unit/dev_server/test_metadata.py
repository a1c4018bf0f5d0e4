"""What stream metadata may say, and what follows from it."""

from __future__ import annotations

import json

import pytest

from event_store.dev_server.metadata import DELETED, parse


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff",
        b'{"$tb":-1}',
        b'{"$tb":"1"}',
        b'{"$tb":true}',
        b'{"$tb":9223372036854775808}',
        b'{"$maxCount":0}',
        b'{"$maxAge":1.5}',
        b"[" * 100_000,
    ],
)
def test_what_metadata_can_not_say_is_none(data):
    assert parse(data) is None


def test_the_first_readable_event_is_the_later_of_both_limits():
    metadata = parse(b'{"$tb":3,"$maxCount":2}')
    assert metadata is not None
    assert [metadata.first_readable(last) for last in (2, 4, 10)] == [3, 3, 9]


def test_all_other_entries_are_kept_when_a_stream_is_truncated():
    metadata = parse(b'{"owner":"me","$maxCount":7,"$tb":1}')
    assert metadata is not None
    assert json.loads(metadata.truncated_before(5)) == {"owner": "me", "$maxCount": 7, "$tb": 5}


def test_a_deleted_stream_shows_nothing():
    deleted = parse(DELETED)
    assert deleted is not None
    assert deleted.first_readable(2**62) > 2**62
