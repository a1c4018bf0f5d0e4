"""Signing in."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api.command_api.bodies import Credentials, RefreshToken, Session
from api.command_api.dependencies import SignedIn
from api.command_api.documentation import SESSION
from api.command_api.route import CommandRoute, Plain

router = APIRouter(route_class=CommandRoute, tags=["sessions"])


@router.post(
    "/api/sessions",
    status_code=201,
    response_model=Session,
    responses=SESSION,
    summary="Sign in",
)
async def sign_in(call: Plain, body: Credentials) -> Response:
    """The refresh token can be used once; using it again ends the session."""
    call.deps.limits.check("sign-in", body.email, call.address)
    context = call.context(key=False, version=False)
    password = body.password.get_secret_value()
    return _session(await call.deps.sessions.sign_in(body.email, password, context))


@router.post(
    "/api/sessions/refresh",
    status_code=201,
    response_model=Session,
    responses=SESSION,
    summary="Go on with a session",
)
async def refresh(call: Plain, body: RefreshToken) -> Response:
    """Exchanges a refresh token for the next pair."""
    context = call.context(key=False, version=False)
    token = body.refresh_token.get_secret_value()
    return _session(await call.deps.sessions.refresh(token, context))


def _session(signed_in: SignedIn) -> Response:
    body = msgspec.json.encode(
        {
            "access_token": signed_in.access_token,
            "refresh_token": signed_in.refresh_token,
            "token_type": "Bearer",
            "expires_in": signed_in.expires_in,
        }
    )
    headers = {
        "Location": f"/api/sessions/{signed_in.session_id}",
        "Cache-Control": "no-store",
    }
    return Response(body, 201, headers, "application/json")
