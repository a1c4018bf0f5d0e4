"""Methods of gRPC services: how messages are read, calls are let in, and refusals are answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError

from event_store.dev_server.statuses import Refused, Trailers, invalid, refusal_of
from event_store.errors import EventStoreError

Metadata = Sequence[tuple[str, str | bytes]]
Admit = Callable[[Metadata], None]
"""Lets a call in by its metadata, or raises `Refused`."""


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("ExecuteBatchError raised in core")


# gRPC calls it an error that a client was gone when the end of its call was to be told.
logging.getLogger("grpc._cython.cygrpc").addFilter(_is_news)


class Call(Protocol):
    """One call under way."""

    async def write(self, message: Any) -> None:
        """Send one message; waits while the client does not take them."""
        ...

    async def send_initial_metadata(self, initial_metadata: Trailers) -> None:
        """Send what precedes the answer."""
        ...

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Trailers = ()
    ) -> None:
        """End the call with this status."""
        ...

    def invocation_metadata(self) -> Metadata | None:
        """What the client sent along."""
        ...


Behaviour = Callable[[Any, Any], Awaitable[Any]]


class _Malformed:
    """Stands for a message whose bytes are none."""


def unary(request: type[Any], response: type[Any], behaviour: Behaviour) -> Method:
    """A method with one request and one response."""
    return Method(grpc.unary_unary_rpc_method_handler, request, response, behaviour, False)


def collecting(request: type[Any], response: type[Any], behaviour: Behaviour) -> Method:
    """A method with many requests and one response."""
    return Method(grpc.stream_unary_rpc_method_handler, request, response, behaviour, True)


def streaming(request: type[Any], response: type[Any], behaviour: Behaviour) -> Method:
    """A method with one request and many responses."""
    return Method(grpc.unary_stream_rpc_method_handler, request, response, behaviour, False)


def conversing(request: type[Any], response: type[Any], behaviour: Behaviour) -> Method:
    """A method with many requests and many responses."""
    return Method(grpc.stream_stream_rpc_method_handler, request, response, behaviour, True)


class Method:
    """One method of a service."""

    def __init__(
        self,
        kind: Callable[..., grpc.RpcMethodHandler[Any, Any]],
        request: type[Any],
        response: type[Any],
        behaviour: Behaviour,
        many: bool,
    ) -> None:
        """Use `unary`, `collecting`, `streaming` or `conversing`."""
        self._kind = kind
        self._request = request
        self._response = response
        self._behaviour = behaviour
        self._many = many

    def handler(self, admit: Admit) -> grpc.RpcMethodHandler[Any, Any]:
        """What gRPC calls."""
        behaviour, many = self._behaviour, self._many

        async def answer(request: Any, call: Call) -> Any:
            try:
                admit(call.invocation_metadata() or ())
                return await behaviour(_all_read(request) if many else _read(request), call)
            except Refused as refusal:
                refused = refusal
            except EventStoreError as error:
                refused = refusal_of(error)
            except grpc.aio.InternalError as error:
                # Nobody takes the answer: the client is gone, as if it had cancelled the call.
                raise asyncio.CancelledError from error
            return await call.abort(refused.code, refused.details, refused.trailers)

        return self._kind(
            answer,
            request_deserializer=self._deserialize,
            response_serializer=self._response.SerializeToString,
        )

    def _deserialize(self, data: bytes) -> Any:
        try:
            return self._request.FromString(data)
        except DecodeError:
            return _Malformed()


def service(name: str, methods: Mapping[str, Method], admit: Admit) -> grpc.GenericRpcHandler:
    """A service by its full name."""
    handlers = {method: made.handler(admit) for method, made in methods.items()}
    return grpc.method_handlers_generic_handler(name, handlers)


def _read(message: Any) -> Any:
    if isinstance(message, _Malformed):
        raise invalid("The request is not a message of this method.")
    return message


async def _all_read(messages: AsyncIterator[Any]) -> AsyncGenerator[Any]:
    async for message in messages:
        yield _read(message)
