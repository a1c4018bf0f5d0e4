"""The request headers that say more than one thing, read in one place."""

from __future__ import annotations

import re

from api.http.errors import Malformed

_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
_STRONG_TAG = re.compile(r'"([0-9]{1,18})"|([0-9]{1,18})')
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
ANY_VERSION = "*"


def idempotency_key(value: str) -> str:
    """The key of `Idempotency-Key`, bare or quoted.

    Raises:
        Malformed: not 1 to 255 printable ASCII characters.
    """
    key = value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value
    if not _PRINTABLE.fullmatch(key):
        raise Malformed("Idempotency-Key has 1 to 255 printable ASCII characters.")
    return key


def if_match(value: str) -> int | None:
    """The version of `If-Match`; None for `*`, which any existing version meets.

    Raises:
        Malformed: neither `*` nor one strong entity tag of digits.
    """
    text = value.strip()
    if text == ANY_VERSION:
        return None
    found = _STRONG_TAG.fullmatch(text)
    if found is None:
        raise Malformed('If-Match is the ETag you were given, such as "3", or *.')
    return int(found[1] or found[2])


def traceparent(value: str | None) -> str | None:
    """A W3C traceparent as given, or None when it is none."""
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None
