"""The routes of all applications: each asks its access rule before anything else is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api.security.access import Rule, rule_of
from api.security.tokens import ANONYMOUS, AccessTokens
from contracts.values import Actor

Handler = Callable[[Request], Awaitable[Response]]
_ACTOR = "orderlog.actor"


class GuardedRoute(APIRoute):
    """A route with a rule in `api/security/access.py`; without one it can't even be made.

    Give it to a router as `APIRouter(route_class=GuardedRoute)`, with whole paths: no prefix.
    """

    rule: Rule

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Find the rule; the options are FastAPI's.

        Raises:
            LookupError: there is no rule for one of its methods.
        """
        rules = [rule_of(method, path) for method in options.get("methods") or ("GET",)]
        self.rule = rules[0]
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Any:
        """What FastAPI made of the endpoint, behind the rule."""
        return guarded(self.rule, self.unguarded_handler())

    def unguarded_handler(self) -> Handler:
        """What handles a request that has passed the rule."""
        return super().get_route_handler()


def guarded(rule: Rule, handle: Handler) -> Handler:
    """Find out who calls, ask the rule, then handle the request."""

    async def handle_admitted(request: Request) -> Response:
        actor = ANONYMOUS
        if rule.reads_token:
            tokens: AccessTokens = request.app.state.tokens
            actor = tokens.actor(request.headers.get("authorization"))
        rule.admit(actor, request.path_params)
        request.scope[_ACTOR] = actor
        return await handle(request)

    return handle_admitted


def actor_of(request: Request) -> Actor:
    """Who calls, as the access rule has found out."""
    return request.scope[_ACTOR]


async def _caller(request: Request) -> Actor:
    return actor_of(request)


Caller = Annotated[Actor, Depends(_caller)]
"""A parameter of this type is the actor who calls."""
