from __future__ import annotations

import grpc
import pytest

from tests.contract.eventstoredb.raw import reading, refusal, trailers
from tests.contract.eventstoredb.support import ANY, EXISTS, NO_STREAM, some

NUMBERS = {ANY: "-2", EXISTS: "-4", NO_STREAM: "-1"}


@pytest.mark.parametrize("what", ["append", "read", "delete", "tombstone"])
async def test_3_14_a_tombstoned_stream_is_deleted(raw, stream, what):
    """3.14: FAILED_PRECONDITION with a sentence and trailers, whatever one does."""
    await raw.tombstone(stream, ANY)
    calls = {
        "append": lambda: raw.append(stream, ANY, some(1)),
        "read": lambda: raw.read(reading(stream)),
        "delete": lambda: raw.delete(stream, ANY),
        "tombstone": lambda: raw.tombstone(stream, ANY),
    }

    error = await refusal(calls[what]())

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == f"Event stream '{stream}' is deleted."
    expected = {"exception": "stream-deleted", "stream-name": stream}
    assert trailers(error, of=expected) == expected


@pytest.mark.parametrize("call", ["delete", "tombstone"])
@pytest.mark.parametrize("expected", [NO_STREAM, 0, 7], ids=str)
async def test_3_14_deleting_with_a_wrong_version(raw, stream, call, expected):
    """3.14: both say "Delete failed", the versions expected and actual, and in trailers."""
    await raw.append(stream, NO_STREAM, some(3))

    error = await refusal(getattr(raw, call)(stream, expected))

    assert_wrong_version(error, stream, NUMBERS.get(expected, str(expected)), "2")


@pytest.mark.parametrize("call", ["delete", "tombstone"])
@pytest.mark.parametrize("expected", [EXISTS, 0], ids=str)
async def test_3_14_deleting_what_is_not_there(raw, stream, call, expected):
    """3.14: the actual version is -1, which the client takes for "not found"."""
    error = await refusal(getattr(raw, call)(stream, expected))

    assert_wrong_version(error, stream, NUMBERS.get(expected, str(expected)), "-1")


def assert_wrong_version(error, stream, expected, actual):
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == (
        f"Delete failed due to WrongExpectedVersion. Stream: {stream}, "
        f"Expected version: {expected}, Actual version: {actual}"
    )
    told = {
        "exception": "wrong-expected-version",
        "stream-name": stream,
        "expected-version": expected,
        "actual-version": actual,
    }
    assert trailers(error, of=told) == told


async def test_3_14_a_stream_with_a_name_beyond_ascii_is_refused_all_the_same(raw, stream):
    """3.14: the sentence names it, and the call ends with its status, not with another."""
    name = f"{stream}-ä事"
    await raw.tombstone(name, ANY)

    error = await refusal(raw.read(reading(name)))

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert name in error.details()
