"""Signing in and staying signed in."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from pydantic import SecretStr

from contracts.commands.users import RefreshSession, SignIn
from contracts.errors import Unauthenticated
from contracts.ids import new_id
from contracts.values import Role
from write_side.kernel.bus import PATIENCE_SECONDS, in_terms_of_the_domain
from write_side.kernel.context import CommandContext
from write_side.kernel.repository import Repository
from write_side.users.claims import EmailClaims
from write_side.users.credential import Credential
from write_side.users.passwords import Passwords
from write_side.users.session import Session
from write_side.users.token_issuer import TokenIssuer
from write_side.users.user import User

_SESSION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """A short access token, and the refresh token that gets the next one, once."""

    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds that the access token is good for."""
    session_id: str
    user_id: str
    roles: tuple[Role, ...]


class Sessions:
    """Signs users in, and refreshes their sessions until these end.

    A session ends when its refresh token expires or comes twice, when the password changes and
    when the account is closed. Access tokens given out before stay good until they expire.
    """

    def __init__(
        self,
        users: Repository[User],
        credentials: Repository[Credential],
        sessions: Repository[Session],
        claims: EmailClaims,
        passwords: Passwords,
        tokens: TokenIssuer,
        *,
        refresh_seconds: int,
    ) -> None:
        """A refresh token is good for `refresh_seconds`; each refresh begins them anew."""
        self._users = users
        self._credentials = credentials
        self._sessions = sessions
        self._claims = claims
        self._passwords = passwords
        self._tokens = tokens
        self._lifetime = timedelta(seconds=refresh_seconds)

    async def sign_in(self, email: str, password: str, context: CommandContext) -> SignedIn:
        """Begin a session. Takes as long for unknown addresses as for wrong passwords.

        Raises:
            Unauthenticated: address and password don't go together, or the account is closed.
            Unavailable: the event store does not answer.
        """
        with in_terms_of_the_domain():
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._sign_in(email, password, context)

    async def refresh(self, refresh_token: str, context: CommandContext) -> SignedIn:
        """Exchange a refresh token for the next one; the same token again ends the session.

        Raises:
            Unauthenticated: the token is not good, or not any more.
            Unavailable: the event store does not answer.
        """
        with in_terms_of_the_domain():
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._refresh(refresh_token, context)

    async def _sign_in(self, email: str, password: str, context: CommandContext) -> SignedIn:
        user_id = await self._claims.holder(email) or _NOBODY
        user = await self._users.load(user_id)
        credential = await self._credentials.load(user_id)
        matches = await self._passwords.verify(credential.password_hash, password)
        has_address = self._claims.same_address(user.email, email)
        if not (matches and has_address and user.active):
            raise Unauthenticated(
                "E-mail address and password don't go together.", code="invalid-credentials"
            )
        secret = secrets.token_urlsafe(32)
        session = Session.blank(new_id())
        expires_at = context.now + self._lifetime
        session.start(user_id, credential.version, _hash(secret), expires_at, at=context.now)
        await self._sessions.save(session, SignIn.command_name(), context)
        return self._signed_in(user, session.id, secret)

    async def _refresh(self, refresh_token: str, context: CommandContext) -> SignedIn:
        session_id, presented = _parts(refresh_token)
        secret = secrets.token_urlsafe(32)
        owners: list[User] = []

        async def decide(session: Session) -> None:
            user = await self._owner(session)
            expires_at = context.now + self._lifetime
            good = user is not None and session.refresh(
                _hash(presented), _hash(secret), expires_at, at=context.now
            )
            owners[:] = [user] if user is not None and good else []

        command = RefreshSession(refresh_token=SecretStr(refresh_token))
        context = msgspec.structs.replace(context, idempotency_key=None, expected_version=None)
        await self._sessions.change_or_create(session_id, command, context, decide)
        if not owners:
            raise _not_good()
        return self._signed_in(owners[0], session_id, secret)

    async def _owner(self, session: Session) -> User | None:
        """Whose session it is; None when it was ended by something outside of it."""
        if not session.exists:
            return None
        user = await self._users.load(session.user_id)
        credential = await self._credentials.load(session.user_id)
        unchanged = credential.version == session.credential_version
        return user if user.active and unchanged else None

    def _signed_in(self, user: User, session_id: str, secret: str) -> SignedIn:
        access_token, expires_in = self._tokens.issue(user.id, user.roles)
        refresh_token = f"{session_id}.{secret}"
        return SignedIn(access_token, refresh_token, expires_in, session_id, user.id, user.roles)


def _parts(refresh_token: str) -> tuple[str, str]:
    session_id, _, secret = refresh_token.partition(".")
    if not (_SESSION_ID.fullmatch(session_id) and secret.isascii()):
        raise _not_good()
    return session_id, secret


def _not_good() -> Unauthenticated:
    return Unauthenticated("Please sign in again.", code="invalid-refresh-token")


def _hash(secret: str) -> str:
    # The secrets are random and long, so nothing slower is needed to keep them.
    return hashlib.sha256(secret.encode()).hexdigest()
