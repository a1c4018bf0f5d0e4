"""Whose an e-mail address is."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod

from contracts.errors import Refused
from contracts.events.base import Event
from contracts.events.users import EmailClaimed, EmailReleased, PreparedEvent
from write_side.kernel.aggregate import Aggregate


def email_taken() -> Refused:
    """The error to raise when the address is another user's."""
    return Refused("This e-mail address is in use.", code="email-taken")


class EmailAddress(Aggregate):
    """The latest claim to one address. Its id is a keyed hash: the address itself is not here.

    A claim holds as long as its events are still to be appended, or were and the user still has
    the address; who asks finds that out from the user (`EmailClaims.settle`).
    """

    CATEGORY = "email"
    NAME = "e-mail address"

    holder: str | None = None
    """The user who claimed it last and has not lost it."""
    user_version: int = 0
    """The version of the user's stream that the claim is about to take."""
    prepared: tuple[PreparedEvent, ...] = ()

    def claim(
        self,
        user_id: str,
        user_version: int,
        prepared: tuple[PreparedEvent, ...],
        *,
        at: datetime,
    ) -> None:
        """Make it the user's, if the prepared events can be appended.

        Raises:
            Refused: it is another user's.
        """
        if self.holder not in (None, user_id):
            raise email_taken()
        self.trigger(
            EmailClaimed, at, user_id=user_id, user_version=user_version, prepared=prepared
        )

    def release(self, *, at: datetime) -> None:
        """Let others have it."""
        if self.holder is not None:
            self.trigger(EmailReleased, at, user_id=self.holder)

    @singledispatchmethod
    def evolve(self, event: Event) -> None:
        """Follow an event."""
        super().evolve(event)

    @evolve.register
    def _(self, event: EmailClaimed) -> None:
        self.holder, self.user_version = event.user_id, event.user_version
        self.prepared = event.prepared

    @evolve.register
    def _(self, event: EmailReleased) -> None:
        self.holder, self.user_version, self.prepared = None, 0, ()
