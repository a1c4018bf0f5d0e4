"""What others may know of a user."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.values import Role
from write_side.kernel.repository import Repository
from write_side.users.user import User


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as of now."""

    id: str
    name: str
    email: str
    active: bool
    roles: tuple[Role, ...]


async def profile(users: Repository[User], user_id: str) -> Profile | None:
    """The user's profile by replay, so as of the last event; None if there is no such user."""
    user = await users.load(user_id)
    if not user.exists:
        return None
    return Profile(user.id, user.name, user.email, user.active, user.roles)
