"""The request headers that say more than one thing, read in one place."""

from __future__ import annotations

import re

from api.http.errors import Malformed

KEY_PATTERN = r'^("[ -~]{1,255}"|[!#-~]([ -~]{0,253}[!-~])?)$'
VERSION_PATTERN = r'^(\*|"[0-9]{1,18}"|[0-9]{1,18})$'
_KEY = re.compile(KEY_PATTERN[1:-1])
_STRONG_TAG = re.compile(r'"([0-9]{1,18})"|([0-9]{1,18})')
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
ANY_VERSION = "*"


def idempotency_key(value: str) -> str:
    """The key of `Idempotency-Key`, bare or quoted.

    Raises:
        Malformed: not 1 to 255 printable ASCII characters.
    """
    if not _KEY.fullmatch(value):
        raise Malformed("Idempotency-Key has 1 to 255 printable ASCII characters.")
    return value[1:-1] if value[0] == '"' else value


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
