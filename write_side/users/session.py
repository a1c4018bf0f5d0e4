"""A family of refresh tokens, from one sign-in to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatchmethod
from hmac import compare_digest

from contracts.events.base import Event
from contracts.events.users import SessionRefreshed, SessionRevoked, SessionStarted
from write_side.kernel.aggregate import Aggregate

_NEVER = datetime.min.replace(tzinfo=UTC)


class Session(Aggregate):
    """Of all tokens the family ever had only the newest is good, and only once."""

    CATEGORY = "session"
    NAME = "session"

    user_id: str = ""
    credential_version: int = -1
    """The password's version when the user signed in."""
    token_hash: str = ""
    expires_at: datetime = _NEVER
    revoked: bool = False

    def start(
        self,
        user_id: str,
        credential_version: int,
        token_hash: str,
        expires_at: datetime,
        *,
        at: datetime,
    ) -> None:
        """Begin with the first token."""
        self.trigger(
            SessionStarted,
            at,
            user_id=user_id,
            credential_version=credential_version,
            token_hash=token_hash,
            expires_at=expires_at,
        )

    def refresh(
        self, presented_hash: str, next_hash: str, expires_at: datetime, *, at: datetime
    ) -> bool:
        """Exchange the token for the next one; say whether it was good.

        Any other token than the newest was used before, by its owner or by a thief: nobody can
        tell, so the family ends.
        """
        if self.revoked or at >= self.expires_at:
            return False
        if not compare_digest(presented_hash, self.token_hash):
            self.trigger(SessionRevoked, at, reason="a used refresh token came again")
            return False
        self.trigger(SessionRefreshed, at, token_hash=next_hash, expires_at=expires_at)
        return True

    @singledispatchmethod
    def evolve(self, event: Event) -> None:
        """Follow an event."""
        super().evolve(event)

    @evolve.register
    def _(self, event: SessionStarted) -> None:
        self.user_id, self.credential_version = event.user_id, event.credential_version
        self.token_hash, self.expires_at = event.token_hash, event.expires_at

    @evolve.register
    def _(self, event: SessionRefreshed) -> None:
        self.token_hash, self.expires_at = event.token_hash, event.expires_at

    @evolve.register
    def _(self, event: SessionRevoked) -> None:
        self.revoked = True
