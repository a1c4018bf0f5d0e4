"""What is kept beside every event: who, by which command, why, when, in which form."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from contracts.values import Actor


class Idempotency(msgspec.Struct, frozen=True, omit_defaults=True):
    """The caller's key of a command and what it was answered.

    `key` is already scoped to the caller; `fingerprint` is a keyed HMAC of the command's name
    and body; `ids` are what the answer named besides the aggregate (`item_id`).
    """

    key: str
    fingerprint: str
    ids: dict[str, str] = {}


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Metadata of an event, stored as JSON.

    `$correlationId` and `$causationId` are EventStoreDB's own names. The causation is the id of
    the event that caused the command, or the command's own id when it came from outside.
    """

    correlation_id: str = msgspec.field(name="$correlationId")
    causation_id: str = msgspec.field(name="$causationId")
    command_id: str
    command: str
    actor: Actor
    source: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    schema_version: int
    traceparent: str | None = None
    idempotency: Idempotency | None = None
    hash: str | None = None
    """Chains the events of a stream (`event_store.chain`); events of before have none."""


class ReplayMetadata(msgspec.Struct, frozen=True, rename="camel"):
    """What bringing an aggregate up to date needs of an event's `Metadata`: read in half the time.

    Where an event is only followed, who asked for it and why does not matter.
    """

    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    schema_version: int
    idempotency: Idempotency | None = None
    hash: str | None = None
