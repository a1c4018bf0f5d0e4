"""Users on a real event store that can be made to crash, and restarted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from argon2 import PasswordHasher

from contracts.commands.users import ChangeProfile, RegisterUser
from contracts.errors import Unauthenticated
from contracts.values import SYSTEM, Actor
from event_store.chain import Chain
from event_store.subscriptions import SubscriptionRunner
from tests.support.stores import last_of
from write_side.kernel.bus import CommandBus
from write_side.kernel.context import CommandContext, derived_id
from write_side.kernel.repository import Repository
from write_side.users.claims import EmailClaims
from write_side.users.command_handlers import handlers
from write_side.users.credential import Credential
from write_side.users.email_address import EmailAddress
from write_side.users.passwords import Passwords
from write_side.users.policies import SettleEmailClaims
from write_side.users.session import Session
from write_side.users.sessions import Sessions
from write_side.users.user import User

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
ANONYMOUS = Actor("anonymous", "anonymous")
OPERATOR = Actor("user", "99999999-0000-4000-8000-000000000000", ("operator",))
PASSWORD = "correct horse"
CHAIN = Chain(b"audit key of the tests")


class Crash(Exception):
    """The process ends here."""


class CrashingStore:
    """The same store, but the process ends right after its n-th append."""

    def __init__(self, store, after: int) -> None:
        self._store, self._left = store, after

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def append(self, stream, events, *, expected):
        if self._left == 0:
            raise Crash
        appended = await self._store.append(stream, events, expected=expected)
        self._left -= 1
        if self._left == 0:
            raise Crash
        return appended


class CountingPasswords(Passwords):
    """Quick ones, which count how often a password was verified."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.verified = 0

    async def verify(self, password_hash, password):
        self.verified += 1
        return await super().verify(password_hash, password)


class ReadableTokens:
    def issue(self, user_id, roles):
        return f"{user_id}:{'+'.join(roles)}", 900


class World:
    """One process with the handlers of Users."""

    def __init__(self, store) -> None:
        self.store = store
        self.users = self._repository(User)
        self.credentials = self._repository(Credential)
        self.addresses = self._repository(EmailAddress)
        self.claims = EmailClaims(self.users, self.addresses, store, key=b"k" * 32)
        self.passwords = CountingPasswords()
        self.bus = CommandBus(handlers(self.users, self.credentials, self.claims, self.passwords))
        self.policy = SettleEmailClaims(self.users, self.claims)
        self.sessions = Sessions(
            self.users,
            self.credentials,
            self._repository(Session),
            self.claims,
            self.passwords,
            ReadableTokens(),
            refresh_seconds=3600,
        )

    def restarted(self) -> World:
        """Another process on the same store."""
        return World(getattr(self.store, "_store", self.store))

    def crashing(self, after: int) -> World:
        """Another process on the same store, which ends right after that many appends."""
        return World(CrashingStore(getattr(self.store, "_store", self.store), after))

    def _repository(self, aggregate_type):
        return Repository(
            aggregate_type, self.store, self.store, fingerprint_key=b"f" * 32, chain=CHAIN
        )

    async def register(self, email, *, key=None, name="Ada", password=PASSWORD, **more):
        context = asked_by(more.pop("actor", ANONYMOUS), key=key)
        user_id = more.pop("user_id", context.new_id("users"))
        command = RegisterUser(user_id=user_id, name=name, email=email, password=password, **more)
        return await self.bus.handle(command, context)

    async def change(self, user_id, *, key=None, actor=None, version=None, **profile):
        context = asked_by(actor or user(user_id), key=key, version=version)
        return await self.bus.handle(ChangeProfile(user_id=user_id, **profile), context)

    async def can_sign_in(self, email, password=PASSWORD) -> str | None:
        """The id of the user who can."""
        try:
            return (await self.sessions.sign_in(email, password, asked_by(ANONYMOUS))).user_id
        except Unauthenticated:
            return None

    @asynccontextmanager
    async def running_policy(self):
        """The policy runs in the background, as in production."""
        runner = SubscriptionRunner(
            SettleEmailClaims.NAME,
            self.policy.handle,
            self.store,
            self.store,
            categories=SettleEmailClaims.CATEGORIES,
        )
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def settle(self) -> None:
        """Let the policy do all that is to be done."""
        async with self.running_policy() as runner:
            last = None
            categories = SettleEmailClaims.CATEGORIES
            while (now := await last_of(self.store, categories)) not in (None, last):
                last = now
                await runner.wait_until(last, timeout=10)
        assert await self.store.parked() == []

    async def types(self, stream) -> list[str]:
        return [event.type for event in await self.store.read_stream(stream)]

    async def address(self, email) -> list[str]:
        """What happened to the address."""
        return await self.types(f"email-{self.claims.address_id(email)}")

    async def owner(self, email) -> str | None:
        return await self.claims.holder(email)


def asked_by(actor=SYSTEM, *, key=None, version=None, later=timedelta()) -> CommandContext:
    command_id = str(uuid4())
    return CommandContext(
        actor,
        NOW + later,
        command_id,
        command_id,
        "tests",
        idempotency_key=key,
        expected_version=version,
    )


def user(user_id) -> Actor:
    return Actor("user", user_id, ("customer",))


def some_id(name: str) -> str:
    return derived_id("tests", name)
