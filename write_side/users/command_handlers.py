"""Command handlers of Users: load, decide, append."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from contracts.commands.base import Command
from contracts.commands.users import (
    ChangePassword,
    ChangeProfile,
    ChangeRoles,
    DeactivateUser,
    RegisterUser,
)
from contracts.errors import Forbidden, Invalid
from contracts.events.users import PreparedEvent
from contracts.values import Actor
from event_store.port import NewEvent
from write_side.kernel.bus import Handler
from write_side.kernel.context import Answer, CommandContext
from write_side.kernel.repository import Repository
from write_side.users.claims import EmailClaims, prepared_events
from write_side.users.credential import Credential
from write_side.users.passwords import Passwords
from write_side.users.user import User

Users = Repository[User]
Credentials = Repository[Credential]


async def register_user(
    command: RegisterUser,
    context: CommandContext,
    users: Users,
    credentials: Credentials,
    claims: EmailClaims,
    passwords: Passwords,
) -> Answer:
    """Sign somebody up, if nobody else has the e-mail address."""
    may_register(context.actor, command)

    async def decide(user: User) -> None:
        user.register(command.name, command.email, command.roles, at=context.now)

    async def claim(user: User, new: Sequence[NewEvent]) -> None:
        first = await _password_set(command, context, credentials, passwords)
        await claims.claim(command.email, user, new, command.command_name(), context, first=first)

    return await users.change_or_create(command.user_id, command, context, decide, claim)


async def change_profile(
    command: ChangeProfile, context: CommandContext, users: Users, claims: EmailClaims
) -> Answer:
    """Give a user another name or e-mail address, if nobody else has the address."""
    self_or_operator(context.actor, command.user_id)

    async def decide(user: User) -> None:
        user.change_profile(command.name, command.email, at=context.now)

    async def claim(user: User, new: Sequence[NewEvent]) -> None:
        if command.email is not None:
            await claims.claim(command.email, user, new, command.command_name(), context)

    return await users.change(command.user_id, command, context, decide, claim)


async def change_password(
    command: ChangePassword,
    context: CommandContext,
    users: Users,
    credentials: Credentials,
    passwords: Passwords,
) -> Answer:
    """Give a user another password, which ends all sessions."""
    self_or_operator(context.actor, command.user_id)
    current, new = (s.get_secret_value() for s in (command.current_password, command.new_password))

    async def decide(credential: Credential) -> None:
        (await users.existing(command.user_id)).must_be_active()
        if not await passwords.verify(credential.password_hash, current):
            raise Forbidden("The current password is another one.", code="wrong-password")
        if new != current:
            credential.set_password(await passwords.hash(new), at=context.now)

    return await credentials.change_or_create(command.user_id, command, context, decide)


async def deactivate_user(command: DeactivateUser, context: CommandContext, users: Users) -> Answer:
    """Close an account, which ends all sessions."""
    self_or_operator(context.actor, command.user_id)

    async def decide(user: User) -> None:
        user.deactivate(at=context.now)

    return await users.change(command.user_id, command, context, decide)


async def change_roles(command: ChangeRoles, context: CommandContext, users: Users) -> Answer:
    """Grant and revoke roles."""
    if not context.actor.has("operator"):
        raise Forbidden("Only operators give and take roles.")

    async def decide(user: User) -> None:
        user.change_roles(command.grant, command.revoke, at=context.now)

    return await users.change(command.user_id, command, context, decide)


def handlers(
    users: Users, credentials: Credentials, claims: EmailClaims, passwords: Passwords
) -> dict[type[Command], Handler]:
    """Which handler carries out which command."""
    return {
        RegisterUser: partial(
            register_user,
            users=users,
            credentials=credentials,
            claims=claims,
            passwords=passwords,
        ),
        ChangeProfile: partial(change_profile, users=users, claims=claims),
        ChangePassword: partial(
            change_password, users=users, credentials=credentials, passwords=passwords
        ),
        DeactivateUser: partial(deactivate_user, users=users),
        ChangeRoles: partial(change_roles, users=users),
    }


def may_register(actor: Actor, command: RegisterUser) -> None:
    """Refuse what only operators may: other roles than customer, and no password."""
    if actor.has("operator"):
        return
    if set(command.roles) != {"customer"}:
        raise Forbidden("Only operators register users with other roles than customer.")
    if command.password is None:
        raise Invalid("password", "is required")


def self_or_operator(actor: Actor, user_id: str) -> None:
    """Refuse what somebody else asks for."""
    is_self = actor.kind == "user" and actor.id == user_id
    if not is_self and not actor.has("operator"):
        raise Forbidden("Only the user and operators may do this.")


async def _password_set(
    command: RegisterUser,
    context: CommandContext,
    credentials: Credentials,
    passwords: Passwords,
) -> tuple[PreparedEvent, ...]:
    if command.password is None:
        return ()
    credential = Credential.blank(command.user_id)
    password_hash = await passwords.hash(command.password.get_secret_value())
    credential.set_password(password_hash, at=context.now)
    new = credentials.prepare(credential, command.command_name(), context)
    return prepared_events(credential.stream, 0, new)
