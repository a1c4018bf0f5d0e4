"""The outermost layer of every application: correlation id, body limit, last resort."""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import CORRELATION_KEY, problem
from contracts.ids import new_id

MAX_BODY_BYTES = 1_048_576
_MAX_CORRELATION_ID = 128
_TOO_LARGE = f"A body has at most {MAX_BODY_BYTES} bytes."
_log = structlog.get_logger(__name__)


class Edge:
    """Gives each request its correlation id, bounds its body, and answers what nobody caught.

    A body is bounded by its announced length, and by counting when there is none.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before this application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id, length = _read_headers(scope)
        scope[CORRELATION_KEY] = correlation_id
        reply = _Reply(send, correlation_id)
        variables = structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        try:
            if length > MAX_BODY_BYTES:
                too_large = problem(scope, 413, "too-large", "The body is too large", _TOO_LARGE)
                await too_large(scope, receive, reply.send)
            else:
                await self._app(scope, _Bounded(receive).receive, reply.send)
        except ClientDisconnect:
            _log.info("the client went away before its request was read")
        except Exception as error:
            # Last resort: whatever it was, the caller gets a problem and the log the traceback.
            _log.exception("unexpected error", path=scope["path"], error=repr(error))
            if reply.started:
                raise
            await _unexpected(scope)(scope, receive, reply.send)
        finally:
            structlog.contextvars.reset_contextvars(**variables)


class _Reply:
    """Adds the correlation id to the answer."""

    __slots__ = ("_header", "_send", "started")

    def __init__(self, send: Send, correlation_id: str) -> None:
        self._send = send
        self._header = (b"x-correlation-id", correlation_id.encode())
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message.get("headers", ()), self._header]
        await self._send(message)


class _Bounded:
    """Ends the reading of a body that is longer than allowed."""

    __slots__ = ("_receive", "_seen")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > MAX_BODY_BYTES:
                raise HTTPException(413, _TOO_LARGE)
        return message


def _read_headers(scope: Scope) -> tuple[str, int]:
    given, length = "", 0
    for name, value in scope["headers"]:
        if name == b"x-correlation-id":
            given = clean_correlation_id(value)
        elif name == b"content-length" and value.isdigit():
            length = int(value[:18])
    return given or new_id(), length


def clean_correlation_id(value: bytes) -> str:
    """What is printable ASCII of a given correlation id, at most 128 characters of it."""
    kept = bytes(byte for byte in value[:1024] if 0x20 <= byte <= 0x7E)
    return kept.decode("ascii").strip()[:_MAX_CORRELATION_ID]


def _unexpected(scope: Scope) -> ASGIApp:
    return problem(
        scope,
        500,
        "internal-error",
        "Something went wrong here",
        "The request could not be handled; the correlation id helps to find out why.",
    )
