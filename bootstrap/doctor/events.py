"""The event store, or each of several."""

from __future__ import annotations

from collections.abc import Sequence

from api.cli.application import CannotOpen
from api.cli.doctor import Finding
from bootstrap.settings import Settings, has_secret, secret_of
from event_store.chain import Chain, readings
from event_store.errors import EventStoreError
from event_store.inspection import Parted
from event_store.port import EventStore, RecordedEvent


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
    """Whether the first event was recorded with the audit key: another shop's secrets are not."""
    if not has_secret(settings, "audit"):
        return ()
    try:
        chain = Chain(secret_of(settings, "audit"))
        first = (await events.read_all(limit=1)).events
    except (CannotOpen, EventStoreError):
        return ()  # Told by the other checks.
    if all(_fits(event, chain) for event in first):
        return ()
    found = "the first event was recorded with another audit key, or was changed since"
    advice = "Are these the secrets of this shop? If so: orderlog audit verify --all"
    return [Finding("audit key", "failed", found, advice)]


def _fits(event: RecordedEvent, chain: Chain) -> bool:
    """Whether the hash is right, of an event that begins its stream; True where there is none."""
    if event.version != 0:
        return True
    hashed = False
    for found, metadata in _readings(event):
        if found is None:
            return True
        hashed = True
        arguments = (event.stream, event.version, event.id, event.type, event.data, metadata)
        if found == chain.link("", *arguments):
            return True
    return not hashed


def _readings(event: RecordedEvent) -> Sequence[tuple[str | None, bytes]]:
    try:
        return list(readings(event.metadata))
    except ValueError:
        return ()
