"""Reads a JSON body once, strictly, straight from its bytes into its model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from api.http.errors import Malformed, Unprocessable, WrongMediaType

T = TypeVar("T")
_MAX_ERRORS = 100


async def read_body(request: Request, adapter: TypeAdapter[T]) -> T:
    """The body of a request as that type.

    Raises:
        WrongMediaType: it says that it is something else than JSON.
        Malformed: it is no JSON: bad UTF-8, NaN, a lone surrogate, nested too deeply, empty.
        Unprocessable: it has not the right shape, or values out of range.
    """
    content_type = request.headers.get("content-type")
    if content_type is not None and content_type != "application/json":
        _check_media_type(content_type)
    return parse(await request.body(), adapter)


def parse(body: bytes, adapter: TypeAdapter[T]) -> T:
    """JSON as that type; raises as `read_body`."""
    if b"NaN" in body or b"Infinity" in body:
        _refuse_constants(body)
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Malformed(found[0]["msg"]) from None
        raise Unprocessable(found_errors(found)) from None


def found_errors(found: Sequence[ErrorDetails]) -> list[dict[str, str]]:
    """Pydantic's errors as a problem shows them, the first hundred."""
    return [
        {"path": ".".join(str(part)[:100] for part in one["loc"]), "message": _message(one)}
        for one in found[:_MAX_ERRORS]
    ]


def parameter_errors(found: Sequence[ErrorDetails]) -> list[dict[str, str]]:
    """The same for parameters, whose paths are `query` and a name.

    What follows the name says which kind of value was tried, and being left out is no such kind.
    """
    return [
        {"path": "".join(str(part)[:100] for part in one["loc"][1:2]), "message": _message(one)}
        for one in found[:_MAX_ERRORS]
        if one["type"] != "none_required"
    ]


def _message(one: ErrorDetails) -> str:
    return one["msg"].removeprefix("Value error, ")


def _check_media_type(content_type: str) -> None:
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise WrongMediaType("Send the body as application/json.")


def _refuse_constants(body: bytes) -> None:
    """The words may stand in a text; as values they are no JSON, though parsers take them."""

    def refuse(constant: str) -> NoReturn:
        raise Malformed(f"Invalid JSON: {constant} is no JSON value")

    try:
        json.loads(body, parse_constant=refuse, parse_int=_nothing, parse_float=_nothing)
    except (ValueError, RecursionError):
        return  # no JSON for other reasons, which the model's own parser names


def _nothing(_: str) -> Any:
    return None
