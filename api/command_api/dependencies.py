"""What the command API needs; `bootstrap` fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from api.http.health import Check
from api.security.consistency import ConsistencyTokens
from api.security.rate_limits import RateLimits
from api.security.tokens import AccessTokens
from contracts.commands.base import Command
from write_side.kernel.context import Answer, CommandContext


class Commands(Protocol):
    """The command bus."""

    async def handle(self, command: Command, context: CommandContext) -> Answer:
        """Carry out a command."""
        ...


class SignedIn(Protocol):
    """Tokens of a session."""

    @property
    def session_id(self) -> str:
        """The session's id."""
        ...

    @property
    def access_token(self) -> str:
        """Short-lived, for the `Authorization` header."""
        ...

    @property
    def refresh_token(self) -> str:
        """To be exchanged once, for the next pair."""
        ...

    @property
    def expires_in(self) -> int:
        """Seconds until the access token expires."""
        ...


class Sessions(Protocol):
    """Signing in."""

    async def sign_in(self, email: str, password: str, context: CommandContext) -> SignedIn:
        """Begin a session, or raise `Unauthenticated`."""
        ...

    async def refresh(self, refresh_token: str, context: CommandContext) -> SignedIn:
        """Go on with a session, or raise `Unauthenticated`."""
        ...


@dataclass(frozen=True, slots=True)
class CommandDependencies:
    """What the command API needs."""

    bus: Commands
    sessions: Sessions
    tokens: AccessTokens
    consistency: ConsistencyTokens
    limits: RateLimits
    store_of: Callable[[str], str]
    """The identity of the event store that holds a stream."""
    readiness: Mapping[str, Check] = field(default_factory=dict[str, Check])
