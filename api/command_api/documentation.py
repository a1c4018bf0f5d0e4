"""What answers of commands look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from api.http.documentation import problems

Responses = dict[int | str, dict[str, Any]]

_HEADERS: dict[str, Any] = {
    "ETag": {
        "description": "The version of what was changed, for `If-Match`",
        "schema": {"type": "string", "pattern": '^"-?[0-9]+"$'},
    },
    "Consistency-Token": {
        "description": "Give it to a query that must show this change",
        "schema": {"type": "string"},
    },
}
_LOCATION: dict[str, Any] = {
    "Location": {"description": "Where it is", "schema": {"type": "string"}}
}
REFUSED = problems(409, 412, 422)

CREATED: Responses = {
    201: {"description": "It was made", "headers": {**_HEADERS, **_LOCATION}},
    **REFUSED,
}
CHANGED: Responses = {200: {"description": "It holds now", "headers": _HEADERS}, **REFUSED}
SET: Responses = {200: CHANGED[200], **problems(409, 422)}
"""Of a command that takes no `If-Match`."""
SESSION: Responses = {
    201: {"description": "Signed in", "headers": _LOCATION},
    **problems(401, 429),
}
