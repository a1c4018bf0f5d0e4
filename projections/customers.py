"""One document for each user: the profile, joined to orders by queries."""

from __future__ import annotations

from contracts.documents import CUSTOMERS, CustomerDocument
from contracts.events.base import Event
from contracts.events.users import (
    ProfileChanged,
    RoleGranted,
    RoleRevoked,
    UserDeactivated,
    UserRegistered,
)
from contracts.registry import id_of
from projections.projector import Context, existing
from projections.shapes import time_text


class Customers:
    """Projects the events of `user` streams."""

    name = CUSTOMERS.name
    document_type = CUSTOMERS
    categories = ("user",)
    handles: frozenset[type[Event]] = frozenset(
        {UserRegistered, ProfileChanged, UserDeactivated, RoleGranted, RoleRevoked}
    )

    def key_of(self, stream: str) -> str:
        """The user's id."""
        return id_of(stream)

    def project(
        self, document: CustomerDocument | None, event: Event | None, context: Context
    ) -> CustomerDocument:
        """The profile after the event."""
        if isinstance(event, UserRegistered):
            return _registered(event)
        return {
            **_changed(existing(document, event), event),
            "version": context.version,
            "updated_at": time_text(context.occurred_at),
        }


def _registered(event: UserRegistered) -> CustomerDocument:
    time = time_text(event.timestamp)
    return {
        "id": event.originator_id,
        "version": event.originator_version,
        "name": event.name,
        "email": event.email,
        "roles": list(event.roles),
        "status": "active",
        "registered_at": time,
        "updated_at": time,
    }


def _changed(customer: CustomerDocument, event: Event | None) -> CustomerDocument:
    match event:
        case ProfileChanged():
            return {**customer, "name": event.name, "email": event.email}
        case UserDeactivated():
            return {**customer, "status": "deactivated"}
        case RoleGranted():
            return {**customer, "roles": [*_without(customer, event.role), event.role]}
        case RoleRevoked():
            return {**customer, "roles": _without(customer, event.role)}
        case _:
            return customer


def _without(customer: CustomerDocument, role: str) -> list[str]:
    return [kept for kept in customer["roles"] if kept != role]
