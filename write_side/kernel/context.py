"""What a command handler knows about a command besides its body, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from contracts.ids import new_id, uuid_text
from contracts.metadata import Metadata
from contracts.values import SYSTEM, Actor
from event_store.port import Position, RecordedEvent

# The beginning of every hash, as of uuid.uuid5 (RFC 9562, 5.5) in this namespace.
_IDS = hashlib.sha1(UUID("6f0a7f0e-3a52-5c63-9c5e-6b1f0a3f7d11").bytes, usedforsecurity=False)


class CommandContext(msgspec.Struct, frozen=True, gc=False):
    """Who asks, when, and how the request can be recognised when it comes again."""

    actor: Actor
    now: datetime
    """Business time of what will happen, in UTC."""
    correlation_id: str
    command_id: str
    source: str
    causation_id: str | None = None
    """Id of the event that caused the command; None when it came from outside."""
    idempotency_key: str | None = None
    expected_version: int | None = None
    """The version of `If-Match`: the command is refused at any other."""
    traceparent: str | None = None

    def key(self) -> str | None:
        """The idempotency key, scoped to the caller."""
        if self.idempotency_key is None:
            return None
        return derived_id(self.actor.kind, self.actor.id, self.idempotency_key)

    def new_id(self, collection: str) -> str:
        """The id for a new aggregate, from caller, collection and key where there is a key."""
        if self.idempotency_key is None:
            return new_id()
        return derived_id(self.actor.kind, self.actor.id, collection, self.idempotency_key)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a command did: the aggregate, its version since, and ids of what was made in it."""

    id: str
    stream: str
    version: int
    position: Position | None = None
    """Of the event at that version; None while the stream has none."""
    ids: Mapping[str, str] = {}


def derived_id(*parts: str) -> str:
    """The same UUID for the same parts, always."""
    digest = _IDS.copy()
    digest.update("".join([f"{len(part)}:{part}" for part in parts]).encode())
    return uuid_text(digest.digest()[:16], version=5)


def by_system(source: str) -> CommandContext:
    """The context of a command that the system itself gives, caused by nothing recorded."""
    command_id = new_id()
    return CommandContext(SYSTEM, datetime.now(UTC), command_id, command_id, source)


def caused_by(recorded: RecordedEvent, metadata: Metadata, source: str) -> CommandContext:
    """The context of a command that the system gives because of an event; the same each time."""
    return CommandContext(
        actor=SYSTEM,
        now=datetime.now(UTC),
        correlation_id=metadata.correlation_id,
        command_id=derived_id(source, str(recorded.id)),
        source=source,
        causation_id=str(recorded.id),
        traceparent=metadata.traceparent,
    )
