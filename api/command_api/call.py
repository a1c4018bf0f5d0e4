"""One command on its way: what the request says about it, and how it is answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from api.command_api.dependencies import CommandDependencies
from api.http.errors import Malformed
from api.http.headers import (
    ANY_VERSION,
    KEY_PATTERN,
    VERSION_PATTERN,
    idempotency_key,
    if_match,
    traceparent,
)
from api.http.problems import CORRELATION_KEY
from api.http.route import actor_of
from api.security.consistency import ConsistencyToken
from contracts.commands.base import Command
from contracts.errors import VersionMismatch
from contracts.ids import new_id
from write_side.kernel.context import Answer, CommandContext

SOURCE = "command-api"
_NAMES = {
    b"idempotency-key": "idempotency_key",
    b"if-match": "if_match",
    b"traceparent": "traceparent",
}


class Call:
    """A request for a command."""

    __slots__ = ("_given", "deps", "request")

    def __init__(self, request: Request) -> None:
        """Read the headers that commands take."""
        self.request = request
        self.deps: CommandDependencies = request.app.state.commands
        self._given = {
            _NAMES[name]: value.decode("latin-1")
            for name, value in request.scope["headers"]
            if name in _NAMES
        }

    @property
    def address(self) -> str:
        """The caller's network address."""
        client = self.request.scope.get("client")
        return client[0] if client else ""

    def context(self, *, key: bool = True, version: bool = True) -> CommandContext:
        """Who asks, when, and how the request can be recognised when it comes again.

        `key` and `version`: whether the command takes `Idempotency-Key` and `If-Match`.

        Raises:
            Malformed: one of these headers is.
        """
        given = self._given
        return CommandContext(
            actor=actor_of(self.request),
            now=datetime.now(UTC),
            correlation_id=self.request.scope[CORRELATION_KEY],
            command_id=new_id(),
            source=SOURCE,
            idempotency_key=(
                idempotency_key(given["idempotency_key"])
                if key and "idempotency_key" in given
                else None
            ),
            expected_version=(
                if_match(given["if_match"]) if version and "if_match" in given else None
            ),
            traceparent=traceparent(given.get("traceparent")),
        )

    def creating(self) -> CommandContext:
        """The context of a command that makes something new: no version of it can be expected.

        Raises:
            VersionMismatch: there is an `If-Match`, which nothing new can meet.
            Malformed: a header is.
        """
        if "if_match" in self._given:
            if_match(self._given["if_match"])
            raise VersionMismatch("If-Match can't be met: this request makes something new.")
        return self.context()

    def refuse_any_version(self) -> None:
        """For a command that may make what it changes: `If-Match: *` could not be kept.

        Raises:
            Malformed: that is what the request says.
        """
        if self._given.get("if_match", "").strip() == ANY_VERSION:
            raise Malformed("If-Match: * is not possible here; name the version.")

    async def create(self, command: Command, context: CommandContext, collection: str) -> Response:
        """Carry out a command that makes something new: 201 and where it is."""
        answer = await self.deps.bus.handle(command, context)
        return self._answer(answer, 201, {"Location": f"{collection}/{answer.id}"})

    async def change(
        self,
        command: Command,
        context: CommandContext | None = None,
        *,
        named: str | None = None,
    ) -> Response:
        """Carry out a command on something that exists: 200.

        `named`: the id the caller knows it by, where the aggregate has another.
        """
        answer = await self.deps.bus.handle(command, context or self.context())
        return self._answer(answer, 200, {}, named)

    async def change_or_create(self, command: Command, collection: str) -> Response:
        """Carry out a command that may make what it changes: 201 if it did, 200 otherwise."""
        answer = await self.deps.bus.handle(command, self.context())
        if answer.version > 0:
            return self._answer(answer, 200, {})
        return self._answer(answer, 201, {"Location": f"{collection}/{answer.id}"})

    def _answer(
        self, answer: Answer, status: int, headers: dict[str, str], named: str | None = None
    ) -> Response:
        body = msgspec.json.encode(
            {"id": named or answer.id, "version": answer.version, **answer.ids}
        )
        token = ConsistencyToken(
            self.deps.store_of(answer.stream), answer.stream, answer.version, answer.position
        )
        headers["ETag"] = f'"{answer.version}"'
        headers["Consistency-Token"] = self.deps.consistency.encode(token)
        return Response(body, status, headers, "application/json")


_KEY = Header(
    alias="Idempotency-Key",
    description="Makes a repeat of this very request safe: it gets the same answer. "
    "1 to 255 printable ASCII characters, bare or quoted.",
    examples=["5d1c7e1a-create-order-1"],
    pattern=KEY_PATTERN,
)
_MATCH = Header(
    alias="If-Match",
    description="The `ETag` of the version this is meant for, or `*`; "
    "refused with 412 if there is another by now.",
    examples=['"3"'],
    pattern=VERSION_PATTERN,
)
_CORRELATION = Header(
    alias="X-Correlation-Id",
    description="Ties together what belongs together; made if absent, always answered. "
    "What is printable ASCII of it is kept, at most 128 characters.",
)


async def creation_headers(
    _key: Annotated[str | None, _KEY] = None,
    _correlation_id: Annotated[str | None, _CORRELATION] = None,
) -> None:
    """Documents the headers of a command that creates, or expects no version."""


async def change_headers(
    _key: Annotated[str | None, _KEY] = None,
    _match: Annotated[str | None, _MATCH] = None,
    _correlation_id: Annotated[str | None, _CORRELATION] = None,
) -> None:
    """Documents the headers of a command that changes."""


async def session_headers(
    _correlation_id: Annotated[str | None, _CORRELATION] = None,
) -> None:
    """Documents the headers of signing in."""
