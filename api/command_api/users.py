"""Commands on users."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.command_api.bodies import CommandAnswer, NewUser, Passwords, Profile, Roles
from api.command_api.documentation import CHANGED, CREATED, SET
from api.command_api.route import Changing, CommandRoute, Creating
from api.http.documentation import problems
from contracts.commands.base import Id
from contracts.commands.users import (
    ChangePassword,
    ChangeProfile,
    ChangeRoles,
    DeactivateUser,
    RegisterUser,
)

router = APIRouter(route_class=CommandRoute, tags=["users"])
_LIMITED = problems(429)


@router.post(
    "/api/users",
    status_code=201,
    response_model=CommandAnswer,
    responses={**CREATED, **_LIMITED},
    summary="Sign up",
)
async def register(call: Creating, body: NewUser) -> Response:
    """An e-mail address belongs to one user. Everybody begins as a customer."""
    context = call.creating()
    call.deps.limits.check("register", body.email, call.address)
    command = RegisterUser(
        user_id=context.new_id("users"), name=body.name, email=body.email, password=body.password
    )
    return await call.create(command, context, "/api/users")


@router.patch(
    "/api/users/{id}",
    response_model=CommandAnswer,
    responses={**CHANGED, **_LIMITED},
    summary="Change name or e-mail",
)
async def change_profile(call: Changing, id: Id, body: Profile) -> Response:  # noqa: A002
    """What is absent or null stays as it is."""
    if body.email is not None:
        call.deps.limits.check("e-mail", id, call.address)
    return await call.change(ChangeProfile(user_id=id, name=body.name, email=body.email))


@router.post(
    "/api/users/{id}/password",
    response_model=CommandAnswer,
    responses={**SET, **_LIMITED},
    summary="Change the password",
)
async def change_password(call: Creating, id: Id, body: Passwords) -> Response:  # noqa: A002
    """Needs the present one. Ends all sessions."""
    call.deps.limits.check("password", id, call.address)
    command = ChangePassword(
        user_id=id, current_password=body.current_password, new_password=body.new_password
    )
    return await call.change(command, call.context(version=False))


@router.post(
    "/api/users/{id}/deactivate",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Close an account",
)
async def deactivate(call: Changing, id: Id) -> Response:  # noqa: A002
    """Ends all sessions; the user can't sign in or order any more."""
    return await call.change(DeactivateUser(user_id=id))


@router.post(
    "/api/users/{id}/roles",
    response_model=CommandAnswer,
    responses=CHANGED,
    summary="Grant and revoke roles",
)
async def change_roles(call: Changing, id: Id, body: Roles) -> Response:  # noqa: A002
    """A role in both lists is revoked."""
    return await call.change(ChangeRoles(user_id=id, grant=body.grant, revoke=body.revoke))
