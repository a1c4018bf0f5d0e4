"""Commands of Users."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    EmailStr,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    StringConstraints,
)

from contracts.commands.base import REVEAL, Command, Id
from contracts.values import Name, Role

Email = Annotated[EmailStr, StringConstraints(max_length=254)]


def _reveal(secret: SecretStr, info: SerializationInfo[Any]) -> str:
    return secret.get_secret_value() if info.context == REVEAL else "**********"


Secret = Annotated[SecretStr, PlainSerializer(_reveal, return_type=str, when_used="json")]
"""Masked in logs and JSON, save for the fingerprint of a request."""


def _is_password(secret: SecretStr) -> SecretStr:
    if not 8 <= len(secret.get_secret_value()) <= 200:
        raise ValueError("a password has 8 to 200 characters")
    return secret


Password = Annotated[
    Secret,
    AfterValidator(_is_password),
    Field(json_schema_extra={"minLength": 8, "maxLength": 200}),
]


class RegisterUser(Command):
    """Sign up. Without a password the user can't sign in (imported customers)."""

    user_id: Id
    name: Name
    email: Email
    password: Password | None = None
    roles: tuple[Role, ...] = ("customer",)


class ChangeProfile(Command):
    """Take another name or e-mail; None leaves it as it is."""

    user_id: Id
    name: Name | None = None
    email: Email | None = None


class ChangePassword(Command):
    """Take another password; ends all sessions."""

    user_id: Id
    current_password: Secret
    new_password: Password


class DeactivateUser(Command):
    """Close an account; ends all sessions."""

    user_id: Id


class ChangeRoles(Command):
    """Give roles to a user and take roles away."""

    user_id: Id
    grant: Annotated[tuple[Role, ...], Field(max_length=4)] = ()
    revoke: Annotated[tuple[Role, ...], Field(max_length=4)] = ()


class SignIn(Command):
    """Begin a session."""

    email: Email
    password: Secret


class RefreshSession(Command):
    """Exchange a refresh token for the next one."""

    refresh_token: Secret
