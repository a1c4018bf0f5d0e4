"""The port that makes access tokens."""

from __future__ import annotations

from typing import Protocol

from contracts.values import Role


class TokenIssuer(Protocol):
    """Makes access tokens that whoever checks them believes."""

    def issue(self, user_id: str, roles: tuple[Role, ...]) -> tuple[str, int]:
        """A token for the user with these roles, and for how many seconds it is good."""
        ...
