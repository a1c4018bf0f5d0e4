"""A user's password."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod

from contracts.events.base import Event
from contracts.events.users import PasswordSet
from write_side.kernel.aggregate import Aggregate


class Credential(Aggregate):
    """The hash of a user's password; blank for users who can't sign in. Its id is the user's."""

    CATEGORY = "credential"
    NAME = "credential"

    password_hash: str = ""

    def set_password(self, password_hash: str, *, at: datetime) -> None:
        """Take another password."""
        if password_hash != self.password_hash:
            self.trigger(PasswordSet, at, password_hash=password_hash)

    @singledispatchmethod
    def evolve(self, event: Event) -> None:
        """Follow an event."""
        super().evolve(event)

    @evolve.register
    def _(self, event: PasswordSet) -> None:
        self.password_hash = event.password_hash
