"""Entries of the audit: what is shown of an event, and to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from typing_extensions import TypedDict

from contracts.documents import CUSTOMERS
from contracts.events.base import Event
from contracts.registry import data_fields
from contracts.values import Actor
from read_side.audit.changes import Change, difference
from read_side.audit.replay import Happening
from read_side.audit.words import STAFF, name_of, sentence
from read_side.port import Documents, ReadStoreUnavailable
from read_side.queries.times import shown_time, stored_time


class ActorView(TypedDict):
    """Who gave the command. A customer sees others under the id `staff`."""

    kind: str
    id: str
    roles: list[str]


class Entry(TypedDict):
    """One event, explained. What can't be read of it is null, and `summary` says why.

    `occurred_at` is business time, `recorded_at` the event store's. `causation_id` is the event
    that caused the command, or the command's own id when it came from outside.
    """

    event_id: str
    stream: str
    version: int
    type: str
    occurred_at: str | None
    recorded_at: str
    actor: ActorView | None
    command: str | None
    correlation_id: str | None
    causation_id: str | None
    summary: str
    changes: list[Change]
    payload: Any


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom entries are: all is shown to staff, and of others only themselves to a customer."""

    customer_id: str | None = None
    """None for staff."""

    def may_know(self, actor: Actor) -> bool:
        """Whether the viewer may know who this is."""
        return self.customer_id is None or actor.kind != "user" or actor.id == self.customer_id


async def names_in(documents: Documents, happenings: Iterable[Happening]) -> Mapping[str, str]:
    """The names of all users who acted, as they are now; none while they can't be looked up."""
    ids = {
        one.metadata.actor.id: None
        for one in happenings
        if one.metadata is not None and one.metadata.actor.kind == "user"
    }
    try:
        found = await documents.get_many(CUSTOMERS.name, list(ids))
    except ReadStoreUnavailable:
        return {}
    return {user_id: customer["name"] for user_id, customer in found.items()}


def entry_of(happening: Happening, names: Mapping[str, str], viewer: Viewer) -> Entry:
    """The event as this viewer may see it."""
    recorded, metadata = happening.recorded, happening.metadata
    entry = Entry(
        event_id=str(recorded.id),
        stream=recorded.stream,
        version=recorded.version,
        type=recorded.type,
        occurred_at=None,
        recorded_at=shown_time(stored_time(recorded.recorded_at)),
        actor=None,
        command=None,
        correlation_id=None,
        causation_id=None,
        summary=_summary(happening, names, viewer),
        changes=difference(happening.before, happening.after),
        payload=None if happening.event is None else _payload(happening.event, viewer),
    )
    if metadata is not None:
        entry["occurred_at"] = shown_time(stored_time(metadata.occurred_at))
        entry["actor"] = _actor_view(metadata.actor, viewer)
        entry["command"] = metadata.command
        entry["correlation_id"] = metadata.correlation_id
        entry["causation_id"] = metadata.causation_id
    return entry


def _summary(happening: Happening, names: Mapping[str, str], viewer: Viewer) -> str:
    event, metadata = happening.event, happening.metadata
    if event is None or metadata is None:
        return f"This can't be told: {happening.unreadable}"
    known = viewer.may_know(metadata.actor)
    who = name_of(metadata.actor, names) if known else "Our staff"
    return sentence(who, event, happening.before, metadata)


def _actor_view(actor: Actor, viewer: Viewer) -> ActorView:
    shown = actor.id if viewer.may_know(actor) else STAFF
    return {"kind": actor.kind, "id": shown, "roles": list(actor.roles)}


def _payload(event: Event, viewer: Viewer) -> Any:
    """The event's data in its newest schema version."""
    fields: dict[str, Any] = {}
    for name in data_fields(type(event)):
        value = getattr(event, name)
        fields[name] = _actor_view(value, viewer) if isinstance(value, Actor) else value
    return msgspec.to_builtins(fields)
