"""The server as this adapter sees it: one client, patience, and errors in the port's words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

import msgspec
from elastic_transport import JsonSerializer, ObjectApiResponse
from elasticsearch import (
    ApiError,
    AsyncElasticsearch,
    ConnectionTimeout,
    TransportError,
)
from elasticsearch import ConnectionError as NotConnected
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from read_side.port import ReadStoreError, ReadStoreUnavailable

T = TypeVar("T")
Call = Callable[[AsyncElasticsearch], Awaitable[ObjectApiResponse[Any]]]
Expected = tuple[type[ApiError], ...]

READ_SECONDS = 1.0
"""How long a question is asked again before it fails."""
QUERY_SECONDS = 3.0
"""How long a query waits for the server in all; of several requests, for each step."""
SUMS_SECONDS = 5.0
WRITE_SECONDS = 30.0
_REQUEST_SECONDS = 20.0
_CONNECTIONS = 50
_FIRST_WAIT_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 2.0
_TOO_MANY = 429
_LATER = (408, _TOO_MANY, 502, 503, 504)
_PORTS = {"http": 9200, "https": 443}


class NotNow(Exception):
    """A part of a request was refused, but can be tried again."""


class Server:
    """Asks the server again while that can help, and counts how often it refused work."""

    def __init__(self, url: str) -> None:
        """Talk to these servers: URLs parted by commas, maybe with user and password."""
        hosts, login, self._secrets = _parsed(url)
        self.rejections = 0
        """Requests, and items of bulks, that were refused because too much was going on."""
        self._closed = False
        self._client = AsyncElasticsearch(
            hosts,
            basic_auth=login,
            serializer=_Serializer(),
            request_timeout=_REQUEST_SECONDS,
            connections_per_node=_CONNECTIONS,
            max_retries=0,
        )

    async def close(self) -> None:
        """Let go of all connections; closing again does nothing."""
        self._closed = True
        await self._client.close()

    async def read(self, call: Call, *, expected: Expected = ()) -> Any:
        """The answer to a question; see `ask`."""
        return await self.ask(call, expected=expected, seconds=READ_SECONDS)

    async def write(self, call: Call, *, expected: Expected = ()) -> Any:
        """The answer to a change that may be repeated; see `ask`."""
        return await self.ask(call, expected=expected, seconds=WRITE_SECONDS)

    async def ask(self, call: Call, *, expected: Expected, seconds: float) -> Any:
        """The body of the answer.

        Args:
            call: makes one request.
            expected: errors that the caller handles itself.
            seconds: how long to try again.

        Raises:
            ReadStoreUnavailable: the server can't be reached, or can't do it now.
            ReadStoreError: it will never do it.
        """

        async def body() -> Any:
            return (await call(self._client)).body

        return await self.patiently(body, expected=expected, seconds=seconds)

    async def patiently(
        self, work: Callable[[], Awaitable[T]], *, expected: Expected = (), seconds: float
    ) -> T:
        """Do something, again and again while that can help; see `ask`."""
        if self._closed:
            raise ReadStoreUnavailable("the read store is closed")
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_random_exponential(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS),
            stop=stop_after_delay(seconds),
            before_sleep=self._count,
            reraise=True,
        )
        try:
            return await retrying(work)
        except expected:
            raise
        except (ApiError, TransportError, NotNow) as error:
            raise self.translated(error) from None

    def _count(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ApiError) and error.meta.status == _TOO_MANY:
            self.rejections += 1

    def translated(self, error: Exception) -> ReadStoreError:
        """What is raised for an error: its cause in words, without our password."""
        text = f"Elasticsearch: {type(error).__name__}: {_reason(error)}"
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if isinstance(error, ApiError) and not _is_outside(error.meta.status):
            return ReadStoreError(text)
        return ReadStoreUnavailable(text)

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncGenerator[None]:
        """Give up what is asked meanwhile when it takes longer: somebody waits for the answer.

        Raises:
            ReadStoreUnavailable: the server did not answer in time.
        """
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise ReadStoreUnavailable(
                f"Elasticsearch: no answer within {seconds:g} seconds"
            ) from None

    @property
    def client(self) -> AsyncElasticsearch:
        """For a request within `patiently`."""
        return self._client


class _Serializer(JsonSerializer):
    """Much faster than the standard library's."""

    def json_dumps(self, data: Any) -> bytes:
        return msgspec.json.encode(data)

    def json_loads(self, data: bytes) -> Any:
        return msgspec.json.decode(data)


def error_type(error: ApiError) -> str:
    """What the server calls an error."""
    return str(_at(error.body, "error", "type") or "")


def is_index_missing(error: ApiError) -> bool:
    """Whether an index, or an alias, is what was not found."""
    return error_type(error) == "index_not_found_exception"


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, ApiError):
        return error.meta.status in _LATER
    return isinstance(error, NotNow | NotConnected | ConnectionTimeout)


def _is_outside(status: int) -> bool:
    """Whether an error lies in the server or its settings, not in what was asked."""
    return status >= 500 or status in (401, 403, *_LATER)


def _reason(error: Exception) -> str:
    if isinstance(error, TransportError):
        return str(error.message)
    if not isinstance(error, ApiError):
        return str(error)
    causes = cast("list[Any]", _at(error.body, "error", "root_cause") or [None])
    reason = _at(causes[0], "reason") or _at(error.body, "error", "reason") or error.message
    return f"{error.meta.status} {reason}"


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = cast("dict[str, Any]", value).get(step) if isinstance(value, dict) else None
    return value


def _parsed(url: str) -> tuple[list[str], tuple[str, str] | None, list[str]]:
    """The servers without login, the login, and what must not be shown of it."""
    hosts: list[str] = []
    login: tuple[str, str] | None = None
    secrets: list[str] = []
    for one in url.split(","):
        parts = urlsplit(one.strip())
        host = parts.netloc.rpartition("@")[2]
        if parts.port is None:
            host = f"{host.removesuffix(':')}:{_PORTS.get(parts.scheme, _PORTS['http'])}"
        hosts.append(f"{parts.scheme}://{host}{parts.path.rstrip('/')}")
        if parts.username is not None:
            login = unquote(parts.username), unquote(parts.password or "")
            secrets += [secret for secret in (parts.password, login[1]) if secret]
    return hosts, login, secrets
