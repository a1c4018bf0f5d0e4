"""Bearer tokens: signed statements of who calls and with which roles (JWT, HS256)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal, cast

import jwt

from contracts.errors import Unauthenticated
from contracts.values import ROLES, Actor, Role

ISSUER = "orderlog"
ANONYMOUS = Actor("anonymous", "anonymous")
_ALGORITHM = "HS256"
_REMEMBERED = 4096


class AccessTokens:
    """Issues access tokens and reads them again. Whoever holds the secret can issue them too."""

    def __init__(self, secret: bytes, *, lifetime_seconds: int = 900) -> None:
        """Sign with this secret, for that long unless told otherwise."""
        self._secret = secret
        self._lifetime = lifetime_seconds
        self._verified: dict[str, tuple[int, Actor]] = {}

    def issue(
        self,
        user_id: str,
        roles: Sequence[Role],
        *,
        kind: Literal["user", "service"] = "user",
        lifetime_seconds: int | None = None,
    ) -> tuple[str, int]:
        """A token for a user or service, and after how many seconds it expires."""
        lifetime = self._lifetime if lifetime_seconds is None else lifetime_seconds
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": user_id,
            "kind": kind,
            "roles": list(roles),
            "iat": now,
            "exp": now + lifetime,
        }
        token = jwt.encode(  # pyright: ignore[reportUnknownMemberType]
            claims, self._secret, algorithm=_ALGORITHM
        )
        return token, lifetime

    def actor(self, authorization: str | None) -> Actor:
        """Who calls, by the `Authorization` header; without one nobody known.

        Raises:
            Unauthenticated: another scheme, or a token that is not ours, damaged or expired.
        """
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Authorization has the form: Bearer <access token>.")
        known = self._verified.get(token)
        if known is not None and known[0] > time.time():
            return known[1]
        return self._verify(token.strip())

    def _verify(self, token: str) -> Actor:
        try:
            claims = jwt.decode(  # pyright: ignore[reportUnknownMemberType]
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "iat", "iss", "sub"], "verify_iat": False},
            )
            actor, expires = _actor(claims), int(claims["exp"])
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The access token has expired.", code="token-expired") from None
        except (jwt.PyJWTError, ValueError, OverflowError):
            raise Unauthenticated("The access token is not valid.") from None
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token] = (expires, actor)
        return actor


def _actor(claims: dict[str, Any]) -> Actor:
    given, kind = claims.get("roles"), claims.get("kind")
    if not isinstance(given, list) or kind not in ("user", "service"):
        raise ValueError("not a token of ours")
    held = cast("list[object]", given)
    roles: tuple[Role, ...] = tuple(role for role in ROLES if role in held)
    return Actor(kind, str(claims["sub"]), roles)
