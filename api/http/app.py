"""Makes the applications: the same layers, errors, health and documents for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.http import health
from api.http.body import parameter_errors
from api.http.documentation import document
from api.http.errors import Malformed, Unprocessable
from api.http.health import Check
from api.http.middleware import Edge
from api.http.problems import problem, problem_of
from api.http.route import GuardedRoute
from api.security.tokens import AccessTokens
from contracts.errors import DomainError, NotFound

# Nothing reads it, and FastAPI would look for a provider at every request.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
_HTTP_PROBLEMS = {
    400: ("malformed", "The request can't be read"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "This method is not allowed here"),
    413: ("too-large", "The body is too large"),
}


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    tokens: AccessTokens,
    *,
    state: Mapping[str, object] | None = None,
    readiness: Mapping[str, Check] | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """An application with these routes, behind the access rules, with health routes.

    `state` is what the routes find in `request.app.state`. The routers' routes are taken as they
    are: whole paths, made with `GuardedRoute`.

    Raises:
        LookupError: a route has no access rule.
    """
    app = FastAPI(
        title=title,
        version="0.1.0",
        openapi_url="/openapi.json",
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        lifespan=lifespan,
    )
    app.state.tokens = tokens
    app.state.readiness = dict(readiness or {})
    for name, value in (state or {}).items():
        setattr(app.state, name, value)
    ours = [route for router in (*routers, health.router) for route in router.routes]
    app.router.routes[:0] = ours  # before the documents' routes: routes are tried in order
    _check_every_route(app)
    _handle_errors(app)
    app.add_middleware(Edge)
    document(app)
    return app


def _check_every_route(app: FastAPI) -> None:
    for route in app.routes:
        if isinstance(route, APIRoute) and not isinstance(route, GuardedRoute):
            raise LookupError(f"{route.path} is no GuardedRoute: no access rule")  # noqa: TRY004


def _handle_errors(app: FastAPI) -> None:
    async def domain_error(request: Request, error: Exception) -> Response:
        return problem_of(request.scope, cast("DomainError", error))

    async def invalid(request: Request, error: Exception) -> Response:
        return problem_of(request.scope, _invalid(cast("RequestValidationError", error)))

    async def http_error(request: Request, error: Exception) -> Response:
        return _http_problem(app, request.scope, cast("HTTPException", error))

    app.add_exception_handler(DomainError, domain_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)


def _invalid(error: RequestValidationError) -> DomainError:
    found: Sequence[Any] = error.errors()
    if any(one["loc"][:1] == ("path",) for one in found):
        return NotFound("There is nothing of this id.")
    if any(one["type"] == "json_invalid" for one in found):
        return Malformed("Invalid JSON")
    return Unprocessable(parameter_errors(found))


def _http_problem(app: FastAPI, scope: Scope, error: HTTPException) -> Response:
    code, title = _HTTP_PROBLEMS.get(error.status_code, ("http-error", "The request failed"))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_at(app, scope)))
    return problem(scope, error.status_code, code, title, str(error.detail), headers=headers)


def _methods_at(app: FastAPI, scope: Scope) -> set[str]:
    """All methods of a path: several routes can share it."""
    methods: set[str] = set()
    for route in app.routes:
        match, _ = route.matches({**scope})
        if match is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return methods
