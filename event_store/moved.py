"""Metadata of events that were moved here from another store: with the time they had there.

The time stands in front, as `recordedAt`. It can be put before any bytes and be taken away again,
and what is left are the bytes as they were: hashes cover everything but this.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec

_TIME = rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"'
_IN_AN_OBJECT = re.compile(rb'([ \t\r\n]*\{)"recordedAt":' + _TIME + rb",?")
_BEFORE_ANYTHING_ELSE = re.compile(rb'()\["recordedAt",' + _TIME + rb",")
_OBJECT = re.compile(rb"[ \t\r\n]*\{")
_EMPTY = re.compile(rb"[ \t\r\n]*\}")


class _Named(msgspec.Struct):
    recorded_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = msgspec.field(
        default=None, name="recordedAt"
    )


def with_recorded_at(metadata: bytes, recorded_at: datetime) -> bytes:
    """The metadata with the time, a UTC time with microseconds, in front.

    What was no JSON object, because somebody changed it, is none with it either.
    """
    time = recorded_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    begun = _OBJECT.match(metadata)
    if begun is None:
        return b'["recordedAt","%b",%b' % (time.encode(), metadata)
    rest = metadata[begun.end() :]
    comma = b"" if _EMPTY.match(rest) else b","
    return b'%b"recordedAt":"%b"%b%b' % (begun[0], time.encode(), comma, rest)


def without_recorded_at(metadata: bytes) -> bytes:
    """The metadata as they were before `with_recorded_at`; others are left as they are."""
    found = _found(metadata)
    return metadata if found is None else found[1] + metadata[found.end() :]


def recorded_at_of(metadata: bytes) -> datetime | None:
    """The time that the event was recorded at in the store it came from; None if in this one."""
    if b'"recordedAt"' not in metadata:
        return None
    found = _found(metadata)
    try:
        if found is not None:
            return datetime.fromisoformat(found[2].decode())
        return msgspec.json.decode(metadata, type=_Named).recorded_at
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _found(metadata: bytes) -> re.Match[bytes] | None:
    return _IN_AN_OBJECT.match(metadata) or _BEFORE_ANYTHING_ELSE.match(metadata)
