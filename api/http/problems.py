"""Every error as a problem document (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.types import Scope

from api.http.errors import Malformed, Unprocessable, WrongMediaType
from contracts.errors import (
    Damaged,
    DomainError,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    NotFound,
    Refused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    VersionMismatch,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://orderlog.dev/problems/"
CORRELATION_KEY = "orderlog.correlation_id"
"""Where the correlation id of a request is kept in its ASGI scope."""

STATUS: Mapping[type[DomainError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Refused: 409,
    VersionMismatch: 412,
    WrongMediaType: 415,
    Unprocessable: 422,
    Invalid: 422,
    IdempotencyKeyReused: 422,
    TooManyRequests: 429,
    Unavailable: 503,
    Damaged: 503,
}
_CHALLENGE = 'Bearer realm="orderlog"'


def status_of(error: DomainError) -> int:
    """The HTTP status of an error: that of its nearest known class, 409 for any other."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 409


def problem(
    scope: Scope,
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document about the request of this ASGI scope."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": _instance(scope),
        "correlation_id": scope.get(CORRELATION_KEY, ""),
        "error": title,
    }
    if errors is not None:
        body["errors"] = errors
    return Response(
        _encode(body), status, headers=dict(headers) if headers else None, media_type=MEDIA_TYPE
    )


def problem_of(scope: Scope, error: DomainError) -> Response:
    """The problem document of an error of the domain."""
    return problem(
        scope,
        status_of(error),
        error.code,
        error.title,
        error.detail,
        errors=_errors_of(error),
        headers=_headers_of(error),
    )


def _errors_of(error: DomainError) -> Sequence[Mapping[str, str]] | None:
    if isinstance(error, Unprocessable):
        return error.errors
    if isinstance(error, Invalid):
        return [{"path": error.path, "message": error.message}]
    if isinstance(error, IdempotencyKeyReused):
        return [{"path": "Idempotency-Key", "message": error.detail}]
    return None


def _headers_of(error: DomainError) -> Mapping[str, str] | None:
    if isinstance(error, TooManyRequests | Unavailable | Damaged):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": _CHALLENGE}
    return None


def _instance(scope: Scope) -> str:
    raw = scope.get("raw_path")
    if isinstance(raw, bytes):
        return quote(raw.split(b"?", 1)[0], safe="/%:@!$&'()*+,;=~-._")
    return quote(str(scope.get("path", "")), errors="replace")


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # lone surrogates from the request, quoted in a message
        return msgspec.json.encode(_printable(body))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {key: _printable(inner) for key, inner in value.items()}  # pyright: ignore
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]  # pyright: ignore
    return value
