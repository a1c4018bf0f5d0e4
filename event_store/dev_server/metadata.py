"""Stream metadata: what of a stream can be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from event_store.dev_server.records import DELETED_REVISION

_TRUNCATE_BEFORE, _MAX_COUNT, _MAX_AGE = "$tb", "$maxCount", "$maxAge"
DELETED = json.dumps({_TRUNCATE_BEFORE: DELETED_REVISION}, separators=(",", ":")).encode()
"""Metadata of a stream that is deleted until it is written again."""


@dataclass(frozen=True, slots=True)
class StreamMetadata:
    """What `$metadata` says; `max_age` in seconds."""

    document: Mapping[str, Any] = field(default_factory=dict[str, Any])
    truncate_before: int = 0
    max_count: int | None = None
    max_age: int | None = None

    def first_readable(self, last: int) -> int:
        """The lowest revision that can be read when `last` is the highest."""
        if self.max_count is None:
            return self.truncate_before
        return max(self.truncate_before, last - self.max_count + 1)

    def truncated_before(self, revision: int) -> bytes:
        """The same document with another `$tb`."""
        return json.dumps({**self.document, _TRUNCATE_BEFORE: revision}).encode()


NONE = StreamMetadata()
OF_METASTREAMS = StreamMetadata(max_count=1)


def parse(data: bytes) -> StreamMetadata | None:
    """Read a `$metadata` event; None when it says something that metadata can't."""
    try:
        document: Any = json.loads(data)
        json.dumps(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    known = cast("dict[str, Any]", document)
    truncate_before = known.get(_TRUNCATE_BEFORE, 0)
    max_count, max_age = known.get(_MAX_COUNT), known.get(_MAX_AGE)
    if not _is_number(truncate_before, 0):
        return None
    if any(limit is not None and not _is_number(limit, 1) for limit in (max_count, max_age)):
        return None
    return StreamMetadata(known, truncate_before, max_count, max_age)


def _is_number(value: object, least: int) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return least <= value <= DELETED_REVISION
