"""The OpenAPI document: what FastAPI knows of the routes, plus access rules and problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.problems import MEDIA_TYPE, TYPE_PREFIX
from api.http.route import GuardedRoute
from api.security.access import Rule

_PROBLEMS: dict[int, tuple[str, str, str]] = {
    400: ("malformed", "The request can't be read", "JSON, a header, cursor or token is malformed"),
    401: ("unauthenticated", "Please sign in", "No access token, or not a valid one"),
    403: ("forbidden", "You may not do this", "The caller has not the role for this"),
    404: ("not-found", "Not found", "It does not exist, or not for this caller"),
    409: ("refused", "The request was refused", "A rule of the domain does not allow it now"),
    412: (
        "version-mismatch",
        "The version is not the one you expected",
        "If-Match names another version",
    ),
    413: ("too-large", "The body is too large", "More than 1 MiB"),
    415: ("unsupported-media-type", "The body must be JSON", "The body is not JSON"),
    422: ("invalid", "The request is not valid", "A value is missing, unknown or out of range"),
    429: ("too-many-requests", "Too many requests", "Slow down; Retry-After says how long"),
    503: ("unavailable", "Temporarily unavailable", "Something needed does not answer; try again"),
}
_WAITING = {
    "Retry-After": {
        "description": "Seconds after which another try makes sense",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_CHALLENGE = {
    "WWW-Authenticate": {"description": "How to authenticate", "schema": {"type": "string"}}
}
_CORRELATION = {
    "X-Correlation-Id": {
        "description": "The id given, or one made for this request",
        "schema": {"type": "string", "maxLength": 128},
    }
}
_MORE_HEADERS: dict[int, dict[str, Any]] = {401: _CHALLENGE, 429: _WAITING, 503: _WAITING}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route can answer beside the usual ones, for `responses=` of a route.

    400, 401, 403, 404, 413, 415, 422 and 503 are added to each route where they apply.
    """
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    code, title, description = _PROBLEMS[status]
    example: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": description + ".",
        "instance": "/api/orders",
        "correlation_id": "5b1f9a52-8a0e-4b0c-a4f7-0d9c1a2b3c4d",
        "error": title,
    }
    if status == 422:
        example["errors"] = [{"path": "items.0.quantity", "message": "Input should be >= 1"}]
    return {
        "description": description,
        "headers": _MORE_HEADERS.get(status, {}),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example,
            }
        },
    }


_TEXT = {"type": "string"}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). The last part of `type` is stable.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "correlation_id", "error"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": {"type": "string", "format": "uri-reference"},
        "correlation_id": _TEXT,
        "error": {"type": "string", "description": "The title again"},
        "errors": {
            "type": "array",
            "description": "For 422: each value that is not valid",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": _TEXT, "message": _TEXT},
            },
        },
    },
}


def document(app: FastAPI) -> None:
    """Let the application describe itself completely; made once, when first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(app)
        return app.openapi_schema

    app.openapi = openapi


def _complete(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for route in app.routes:
        if isinstance(route, GuardedRoute):
            for method in route.methods or ():
                _complete_operation(schema["paths"][route.path][method.lower()], route)
    return schema


def _complete_operation(operation: dict[str, Any], route: GuardedRoute) -> None:
    rule = route.rule
    who = f"Who may call it: {rule.who}."
    operation["description"] = f"{operation.get('description', '')}\n\n{who}".strip()
    operation["security"] = _security(rule)
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _never_null(parameter["schema"])
    responses: dict[str, Any] = operation["responses"]
    if MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses.pop("422", None)
    for status in _usual(operation, route):
        responses.setdefault(str(status), _problem(status))
    for response in responses.values():
        response["headers"] = {**response.get("headers", {}), **_CORRELATION}


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter can be absent, but there is no null in a URL or header."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _security(rule: Rule) -> list[dict[str, list[str]]]:
    if not rule.reads_token:
        return []
    return [{"bearer": []}] if rule.signed_in else [{}, {"bearer": []}]


def _usual(operation: dict[str, Any], route: GuardedRoute) -> set[int]:
    if route.path.startswith("/health"):
        return set()
    found = {400, 503}
    if route.rule.reads_token:
        found.add(401)
    if route.rule.signed_in:
        found.add(403)
    if "{" in route.path:
        found.add(404)
    if "requestBody" in operation:
        found |= {413, 415, 422}
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        found.add(422)
    return found
