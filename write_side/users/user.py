"""A user: profile, roles, whether the account is open."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import singledispatchmethod

from contracts.errors import Refused
from contracts.events.base import Event
from contracts.events.users import (
    ProfileChanged,
    RoleGranted,
    RoleRevoked,
    UserDeactivated,
    UserRegistered,
)
from contracts.values import Role
from write_side.kernel.aggregate import Aggregate


class User(Aggregate):
    """Who someone is here and what they may do. `email` is shown as it was given."""

    CATEGORY = "user"
    NAME = "user"

    name: str = ""
    email: str = ""
    roles: tuple[Role, ...] = ()
    active: bool = False

    def register(self, name: str, email: str, roles: Collection[Role], *, at: datetime) -> None:
        """Sign up.

        Raises:
            Refused: this user signed up before.
        """
        if self.exists:
            raise Refused("This user is registered already.", code="user-exists")
        self.trigger(UserRegistered, at, name=name, email=email, roles=tuple(dict.fromkeys(roles)))

    def change_profile(self, name: str | None, email: str | None, *, at: datetime) -> None:
        """Take another name or e-mail; None leaves it as it is.

        Raises:
            Refused: the account is closed.
        """
        self.must_be_active()
        name, email = name or self.name, email or self.email
        if (name, email) != (self.name, self.email):
            self.trigger(ProfileChanged, at, name=name, email=email)

    def deactivate(self, *, at: datetime) -> None:
        """Close the account."""
        if self.active:
            self.trigger(UserDeactivated, at)

    def change_roles(
        self, grant: Collection[Role], revoke: Collection[Role], *, at: datetime
    ) -> None:
        """Grant and revoke roles; a role in both is revoked.

        Raises:
            Refused: the account is closed.
        """
        self.must_be_active()
        for role in dict.fromkeys(grant):
            if role not in self.roles and role not in revoke:
                self.trigger(RoleGranted, at, role=role)
        for role in dict.fromkeys(revoke):
            if role in self.roles:
                self.trigger(RoleRevoked, at, role=role)

    def must_be_active(self) -> None:
        """Refuse when the account is closed."""
        if not self.active:
            raise Refused("This account is closed.", code="user-deactivated")

    @singledispatchmethod
    def evolve(self, event: Event) -> None:
        """Follow an event."""
        super().evolve(event)

    @evolve.register
    def _(self, event: UserRegistered) -> None:
        self.name, self.email = event.name, event.email
        self.roles, self.active = event.roles, True

    @evolve.register
    def _(self, event: ProfileChanged) -> None:
        self.name, self.email = event.name, event.email

    @evolve.register
    def _(self, event: UserDeactivated) -> None:
        self.active = False

    @evolve.register
    def _(self, event: RoleGranted) -> None:
        self.roles = (*self.roles, event.role)

    @evolve.register
    def _(self, event: RoleRevoked) -> None:
        self.roles = tuple(role for role in self.roles if role != event.role)
