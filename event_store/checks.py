"""What can be said of an append without the store."""

from __future__ import annotations

from collections.abc import Sequence

from event_store.errors import BatchTooLarge
from event_store.port import MAX_APPEND_BYTES, NO_VERSION, ExpectedVersion, NewEvent


def checked_size(stream: str, events: Sequence[NewEvent], expected: ExpectedVersion) -> int:
    """The size of an append, as EventStoreDB counts it.

    Raises:
        ValueError: no events, an impossible version, or a name or type that is empty or not
            valid Unicode.
        BatchTooLarge: more than `MAX_APPEND_BYTES`.
    """
    _named(stream, "stream")
    if not events:
        raise ValueError("an append needs at least one event")
    if isinstance(expected, int) and expected < NO_VERSION:
        raise ValueError(f"{expected} is not a version")
    size = sum(
        len(event.data) + len(event.metadata) + 2 * len(_named(event.type, "event type"))
        for event in events
    )
    if size > MAX_APPEND_BYTES:
        raise BatchTooLarge(f"{size} bytes of events, at most {MAX_APPEND_BYTES} fit in one append")
    return size


def _named(text: str, what: str) -> str:
    if not text:
        raise ValueError(f"the {what} needs a name")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the {what} {text!r} is not valid Unicode") from error
    return text
