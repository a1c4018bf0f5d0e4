"""The way of a command from bytes to its handler: one validation, no dependency tree.

FastAPI reads the signature of an endpoint for the OpenAPI document; a request is handled here,
without FastAPI's own solving of dependencies. An endpoint takes a `call` (`Creating`, `Changing`
or `Plain`), perhaps a `body`, and the ids of its path by their names there.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, cast, get_type_hints

from fastapi import Depends
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.command_api.call import Call, change_headers, creation_headers, session_headers
from api.http.body import read_body
from api.http.route import GuardedRoute, Handler
from contracts.errors import NotFound

Creating = Annotated[Call, Depends(creation_headers)]
"""A call that takes `Idempotency-Key`."""
Changing = Annotated[Call, Depends(change_headers)]
"""A call that takes `Idempotency-Key` and `If-Match`."""
Plain = Annotated[Call, Depends(session_headers)]
"""A call that takes neither."""

Endpoint = Callable[..., Awaitable[Response]]


class CommandRoute(GuardedRoute):
    """A route to a command."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """The options are FastAPI's. Nothing in here needs its exit stacks: call the handler."""
        super().__init__(path, endpoint, **options)
        self.app = _lean_app(self.get_route_handler())

    def unguarded_handler(self) -> Handler:
        """Read the body, check the ids of the path, call the endpoint."""
        endpoint = cast("Endpoint", self.endpoint)
        hints = get_type_hints(endpoint, include_extras=True)
        ids = {name: _adapter(hints[name]) for name in self.param_convertors}
        if "body" not in hints:
            return _without_body(endpoint, ids)
        return _with_body(endpoint, ids, _adapter(hints["body"]), _default_body(endpoint))


def _lean_app(handle: Handler) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _default_body(endpoint: Endpoint) -> Any:
    """What stands for an absent body, where one may be absent."""
    default = inspect.signature(endpoint).parameters["body"].default
    return None if default is inspect.Parameter.empty else default


def _without_body(endpoint: Endpoint, ids: dict[str, TypeAdapter[Any]]) -> Handler:
    async def handle(request: Request) -> Response:
        return await endpoint(call=Call(request), **_path(request, ids))

    return handle


def _with_body(
    endpoint: Endpoint, ids: dict[str, TypeAdapter[Any]], adapter: TypeAdapter[Any], default: Any
) -> Handler:
    async def handle(request: Request) -> Response:
        path = _path(request, ids) if ids else {}
        if default is not None and not await request.body():
            return await endpoint(call=Call(request), body=default, **path)
        body = await read_body(request, adapter)
        return await endpoint(call=Call(request), body=body, **path)

    return handle


def _path(request: Request, ids: dict[str, TypeAdapter[Any]]) -> dict[str, Any]:
    given = request.path_params
    try:
        return {name: adapter.validate_python(given[name]) for name, adapter in ids.items()}
    except ValidationError:
        raise NotFound("There is nothing of this id.") from None
