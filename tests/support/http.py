"""An application in this process, called through httpx, and a bus that answers as told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.command_api.dependencies import CommandDependencies
from api.security.consistency import ConsistencyTokens
from api.security.rate_limits import RateLimits
from api.security.tokens import AccessTokens
from contracts.commands.base import Command
from contracts.errors import Unauthenticated
from contracts.values import Role
from event_store.port import Position
from write_side.kernel.context import Answer, CommandContext

SECRET = b"a secret of thirty-two bytes...."
STORE = "store-1"
ADA = "77aa0000-0000-4000-8000-000000000001"
BOB = "77aa0000-0000-4000-8000-000000000002"
ORDER = "0b1e0000-0000-4000-8000-000000000001"
PRODUCT = "9f1c0000-0000-4000-8000-000000000001"
ADDRESS = {"recipient": "Ada", "lines": ["1 Rue"], "city": "Paris", "country": "FR"}


def client(app: Any, *, token: str | None = None) -> httpx.AsyncClient:
    """A client of an application in this process."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://orderlog", headers=headers)


def bearer(user_id: str, *roles: Role, secret: bytes = SECRET) -> str:
    """An access token."""
    return AccessTokens(secret).issue(user_id, roles)[0]


class FakeBus:
    """Remembers each command and answers with a made-up version, or as told by `answer_with`."""

    def __init__(self) -> None:
        self.handled: list[tuple[Command, CommandContext]] = []
        self.answer_with: Callable[[Command, CommandContext], Awaitable[Answer]] | None = None

    async def handle(self, command: Command, context: CommandContext) -> Answer:
        self.handled.append((command, context))
        if self.answer_with is not None:
            return await self.answer_with(command, context)
        fields = command.model_dump()
        key = next(iter(fields.values()))
        ids = {"item_id": ADA} if command.command_name() == "AddItem" else {}
        return Answer(key, f"thing-{key}", 3, Position("0007"), ids)

    def refuse(self, error: Exception) -> None:
        """Raise this at every command from now on."""

        async def raising(command: Command, context: CommandContext) -> Answer:
            raise error

        self.answer_with = raising

    @property
    def last(self) -> tuple[Command, CommandContext]:
        """The last command, and its context."""
        return self.handled[-1]


@dataclass
class FakeSignedIn:
    session_id: str = "5e55"
    access_token: str = "access"
    refresh_token: str = "refresh"
    expires_in: int = 900


@dataclass
class FakeSessions:
    """Knows one password and one refresh token."""

    asked: list[Sequence[str]] = field(default_factory=list)

    async def sign_in(self, email: str, password: str, context: CommandContext) -> FakeSignedIn:
        self.asked.append((email, password))
        if password != "right password":
            raise Unauthenticated("E-mail or password is wrong.")
        return FakeSignedIn()

    async def refresh(self, refresh_token: str, context: CommandContext) -> FakeSignedIn:
        if refresh_token != "refresh":
            raise Unauthenticated("The session has ended.")
        return FakeSignedIn()


def command_dependencies(bus: FakeBus, **others: Any) -> CommandDependencies:
    """What the command API needs, all in memory."""
    given: dict[str, Any] = {
        "bus": bus,
        "sessions": FakeSessions(),
        "tokens": AccessTokens(SECRET),
        "consistency": ConsistencyTokens(SECRET),
        "limits": RateLimits(SECRET, per_email="30/minute", per_address="600/minute"),
        "store_of": lambda stream: STORE,
    }
    return CommandDependencies(**(given | others))
