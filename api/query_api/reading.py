"""What all query endpoints share: freshness, headers, lean answers.

An answer may be stale, and says so. Only while a projection has no documents to show at all, before
it is first built, queries of it are 503 with Retry-After: an empty list would be a lie.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header
from pydantic.json_schema import SkipJsonSchema
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import Unprocessable
from api.http.route import actor_of
from api.security.consistency import ConsistencyTokens
from contracts.values import Actor
from read_side.audit.trail import AuditTrail
from read_side.freshness import Freshness, Projections, Write
from read_side.port import Documents

_READ_MODEL = "orderlog.read_model"
"""Where the value of the `Read-Model` header is kept in the ASGI scope."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class QueryServices:
    """What the routes find in `app.state.queries`."""

    documents: Documents
    projections: Projections
    freshness: Freshness
    tokens: ConsistencyTokens
    audit: AuditTrail


class Reader:
    """The read models for one request: who asks, and what they have written themselves."""

    def __init__(self, request: Request, token: str | None) -> None:
        """Read for this request.

        Raises:
            Malformed: the consistency token is not one of ours.
        """
        self._request = request
        self._services: QueryServices = request.app.state.queries
        self._write = None if token is None else self._write_of(token)

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return actor_of(self._request)

    @property
    def audit(self) -> AuditTrail:
        """What explains events; it reads the event store too."""
        return self._services.audit

    async def to_get(self, *projections: str) -> Documents:
        """The documents, as soon as these projections show what the caller wrote."""
        return await self._ready(projections, searching=False)

    async def to_search(self, *projections: str) -> Documents:
        """The documents, as soon as searches of these projections find what the caller wrote."""
        return await self._ready(projections, searching=True)

    async def _ready(self, projections: tuple[str, ...], *, searching: bool) -> Documents:
        behind = await self._services.freshness.behind(
            projections, self._write, searching=searching
        )
        self._request.scope[_READ_MODEL] = _read_model(behind)
        return self._services.documents

    def _write_of(self, text: str) -> Write:
        token = self._services.tokens.decode(text)
        return Write(token.store, token.stream, token.version, token.position)


def _read_model(behind: float | None) -> str:
    """The value of the header; seconds are whole and at least 1."""
    return "fresh" if behind is None else f"stale; behind={max(1, math.ceil(behind))}"


class ReadModelHeader:
    """Says in every answer to a query, refusals included, how fresh it is.

    A 5xx is no answer from the read models, so it says nothing of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before this application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""

        async def send_with_header(message: Message) -> None:
            begins = message["type"] == "http.response.start"
            if begins and message["status"] < 500 and _READ_MODEL in scope:
                MutableHeaders(raw=message["headers"])["Read-Model"] = scope[_READ_MODEL]
            await send(message)

        await self._app(scope, receive, send_with_header)


async def _parameters_once(request: Request) -> None:
    """Refuse a parameter given twice: which one was meant can't be known."""
    names = Counter(name for name, _ in request.query_params.multi_items())
    twice = [{"path": name, "message": "Given more than once"} for name in names if names[name] > 1]
    if twice:
        raise Unprocessable(twice)


async def no_parameters(request: Request) -> None:
    """Refuse any query parameter, for endpoints that have none."""
    if request.query_params:
        raise Unprocessable(
            [
                {"path": name, "message": "There is no such parameter"}
                for name in request.query_params
            ]
        )


async def _reader(
    request: Request,
    _once: Annotated[None, Depends(_parameters_once)],
    consistency_token: Annotated[
        str | SkipJsonSchema[None],
        Header(
            alias="Consistency-Token",
            description="As a command answered it: wait until the answer shows that change.",
        ),
    ] = None,
) -> Reader:
    return Reader(request, consistency_token)


Reading = Annotated[Reader, Depends(_reader)]
"""A parameter of this type gives an endpoint the read models."""

NoParameters = Depends(no_parameters)


def services_of(request: Request) -> QueryServices:
    """What the application was put together from."""
    return request.app.state.queries


def answer(body: Any, *, version: int | None = None, status: int = 200) -> Response:
    """A JSON answer; `version` is that of the aggregate shown."""
    headers = None if version is None else {"ETag": f'"{version}"'}
    return Response(_encode(body), status, headers=headers, media_type="application/json")


def answers(
    description: str, example: Any, *, etag: bool = False, fresh: bool = True
) -> dict[str, Any]:
    """The 200 of a query, for `responses=` of its route."""
    headers: dict[str, Any] = {}
    if fresh:
        headers["Read-Model"] = {
            "description": "`fresh`, or `stale; behind=<seconds>`: newer events may be missing",
            "schema": {"type": "string", "pattern": "^(fresh|stale; behind=[0-9]+)$"},
        }
    if etag:
        headers["ETag"] = {
            "description": "The version of what is shown, for `If-Match` of a command",
            "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
        }
    return {
        "description": description,
        "headers": headers,
        "content": {"application/json": {"example": example}},
    }
