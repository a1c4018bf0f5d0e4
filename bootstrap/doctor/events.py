"""The event store, or each of several."""

from __future__ import annotations

from collections.abc import Sequence

from api.cli.application import CannotOpen
from api.cli.doctor import Finding
from bootstrap.audit_key import is_key_of
from bootstrap.settings import Settings, has_secret, secret_of
from event_store.chain import Chain
from event_store.errors import EventStoreError
from event_store.inspection import Parted
from event_store.port import EventStore


async def check_event_stores(events: EventStore) -> Sequence[Finding]:
    """Whether each can be read and written."""
    if not isinstance(events, Parted):
        return [await _check(events, "event store")]
    return [await _check(part, f"event store of {name}") for name, part in events.parts.items()]


async def _check(events: EventStore, name: str) -> Finding:
    try:
        await events.check()
        identity = await events.identity()
        is_empty = await events.head() is None
    except EventStoreError as error:
        return Finding(name, "failed", str(error), "See the event store's own log.")
    what = "no events yet" if is_empty else "reads and writes"
    return Finding(name, "ok", f"{what}; it is {identity}")


async def check_audit_key(settings: Settings, events: EventStore) -> Sequence[Finding]:
    """Whether the first events were recorded with the audit key: another shop's secrets are not."""
    if not has_secret(settings, "audit"):
        return ()
    try:
        chain = Chain(secret_of(settings, "audit"))
        if await is_key_of(events, chain):
            return ()
    except (CannotOpen, EventStoreError):
        return ()  # Told by the other checks.
    found = "the first events were recorded with another audit key, or were changed since"
    advice = "Are these the secrets of this shop? If so: orderlog audit verify --all"
    return [Finding("audit key", "failed", found, advice)]
