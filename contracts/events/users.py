"""Events of Users. Those of `credential`, `email` and `session` streams are secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from contracts.events.base import Event
from contracts.values import Personal, Role


class UserEvent(Event):
    """An event of a user's profile."""

    CATEGORY: ClassVar[str] = "user"


@dataclass(frozen=True)
class UserRegistered(UserEvent):
    """A user signed up."""

    TOPIC = "user.UserRegistered"

    name: Annotated[str, Personal(of="originator_id")]
    email: Annotated[str, Personal(of="originator_id")]
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class ProfileChanged(UserEvent):
    """Name and e-mail are these from now on."""

    TOPIC = "user.ProfileChanged"

    name: Annotated[str, Personal(of="originator_id")]
    email: Annotated[str, Personal(of="originator_id")]


@dataclass(frozen=True)
class UserDeactivated(UserEvent):
    """The user can't sign in or order any more."""

    TOPIC = "user.UserDeactivated"


@dataclass(frozen=True)
class RoleGranted(UserEvent):
    """The user has this role from now on."""

    TOPIC = "user.RoleGranted"

    role: Role


@dataclass(frozen=True)
class RoleRevoked(UserEvent):
    """The user no longer has this role."""

    TOPIC = "user.RoleRevoked"

    role: Role


class CredentialEvent(Event):
    """An event of a user's password; secret."""

    CATEGORY: ClassVar[str] = "credential"


@dataclass(frozen=True)
class PasswordSet(CredentialEvent):
    """The password is the one of this argon2id hash from now on."""

    TOPIC = "credential.PasswordSet"

    password_hash: str


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """An event that was decided on but not yet appended, kept inside a claim.

    `event_id` and `version` make appending it twice harmless; `data` and `metadata` are its JSON.
    """

    event_id: str
    stream: str
    version: int
    type: str
    data: str
    metadata: str


class EmailEvent(Event):
    """An event of one e-mail address; secret. The id is a keyed hash of the address."""

    CATEGORY: ClassVar[str] = "email"


@dataclass(frozen=True)
class EmailClaimed(EmailEvent):
    """The address belongs to this user, if the prepared events could be appended.

    The claim is void when another event took `user_version` of the user's stream.
    """

    TOPIC = "email.EmailClaimed"

    user_id: str
    user_version: int
    prepared: Annotated[tuple[PreparedEvent, ...], Personal(of="user_id")]


@dataclass(frozen=True)
class EmailReleased(EmailEvent):
    """The address is free again."""

    TOPIC = "email.EmailReleased"

    user_id: str


class SessionEvent(Event):
    """An event of one family of refresh tokens; secret."""

    CATEGORY: ClassVar[str] = "session"


@dataclass(frozen=True)
class SessionStarted(SessionEvent):
    """A user signed in. Only a hash of the refresh token is kept.

    The session ends when the credential is no longer at `credential_version`.
    """

    TOPIC = "session.SessionStarted"

    user_id: str
    credential_version: int
    token_hash: str
    expires_at: datetime


@dataclass(frozen=True)
class SessionRefreshed(SessionEvent):
    """The refresh token was exchanged for the next one."""

    TOPIC = "session.SessionRefreshed"

    token_hash: str
    expires_at: datetime


@dataclass(frozen=True)
class SessionRevoked(SessionEvent):
    """No token of this family is good any more."""

    TOPIC = "session.SessionRevoked"

    reason: str
