from __future__ import annotations

import json

import pytest

from api.http.errors import Malformed, Unprocessable, WrongMediaType
from api.http.problems import CORRELATION_KEY, problem_of
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

SCOPE = {"raw_path": b"/api/orders/caf%C3%A9", "path": "/api/orders/café", CORRELATION_KEY: "c-1"}


def shown(error: DomainError) -> tuple[int, dict, dict]:
    response = problem_of(SCOPE, error)
    assert response.media_type == "application/problem+json"
    return response.status_code, json.loads(response.body), dict(response.headers)


class Later(Refused):
    pass


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Malformed("x"), 400, "malformed"),
        (Unauthenticated("x"), 401, "unauthenticated"),
        (Forbidden("x"), 403, "forbidden"),
        (NotFound("x", code="order-not-found"), 404, "order-not-found"),
        (Refused("x", code="order-not-open"), 409, "order-not-open"),
        (Later("x"), 409, "refused"),
        (DomainError("x"), 409, "domain-error"),
        (VersionMismatch("x"), 412, "version-mismatch"),
        (WrongMediaType("x"), 415, "unsupported-media-type"),
        (IdempotencyKeyReused("x"), 422, "idempotency-key-reused"),
        (Invalid("a", "b"), 422, "invalid"),
        (TooManyRequests("x", retry_after=7), 429, "too-many-requests"),
        (Unavailable("x", retry_after=2), 503, "unavailable"),
        (Damaged("x"), 503, "events-damaged"),
    ],
)
def test_every_error_has_its_status_and_type(error, status, code):
    given, body, _ = shown(error)
    assert given == body["status"] == status
    assert body["type"] == f"https://orderlog.dev/problems/{code}"
    assert body["error"] == body["title"] == error.title
    assert body["detail"] == error.detail
    assert body["instance"] == "/api/orders/caf%C3%A9"
    assert body["correlation_id"] == "c-1"
    assert ("errors" in body) == (status == 422)


def test_errors_of_values_are_listed():
    listed = [{"path": "a", "message": "b"}]
    assert shown(Invalid("a", "b"))[1]["errors"] == listed
    assert shown(Unprocessable(listed))[1]["errors"] == listed
    assert shown(IdempotencyKeyReused("b"))[1]["errors"][0]["path"] == "Idempotency-Key"


def test_headers_say_what_to_do():
    assert shown(TooManyRequests("x", retry_after=7))[2]["retry-after"] == "7"
    assert shown(Unavailable("x", retry_after=2))[2]["retry-after"] == "2"
    assert shown(Unauthenticated("x"))[2]["www-authenticate"].startswith("Bearer")


def test_what_can_not_be_encoded_is_shown_as_well_as_can_be():
    _, body, _ = shown(Unprocessable([{"path": "a\ud800", "message": "\udfff no"}]))
    assert body["errors"] == [{"path": "a?", "message": "? no"}]
