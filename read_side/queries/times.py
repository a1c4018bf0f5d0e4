"""Times as callers write them, as documents keep them, as answers show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.(?P<fraction>[0-9]{1,12}))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_SECONDS = slice(0, 19)
_FRACTION = slice(19, 26)


def time_from(text: str) -> datetime:
    """Read a date (midnight UTC) or a time as in RFC 3339; without an offset it is UTC.

    A time that UTC has no year for becomes the first or last one that can be told.

    Raises:
        ValueError: it is neither.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(
            'neither a date such as "2026-01-05" nor a time such as "2026-01-05T10:00:00Z"'
            " (in an address, a + is written %2B)"
        )
    fraction = (match["fraction"] or "0")[:6]
    zone = (match["zone"] or "Z").upper().replace("Z", "+00:00")
    time = datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}{zone}")
    time = time.replace(microsecond=int(fraction.ljust(6, "0")))
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return _FIRST if time.year == 1 else _LAST


def stored_time(time: datetime) -> str:
    """A time as documents keep it: UTC, always 27 characters."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def shown_time(stored: str) -> str:
    """A document's time as answers show it: a fraction only where it is not zero."""
    fraction = stored[_FRACTION]
    return stored[_SECONDS] + (fraction if fraction.strip(".0") else "") + "Z"
