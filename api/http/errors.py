"""Errors of the HTTP layer itself, beside those of the domain in `contracts.errors`."""

from __future__ import annotations

from contracts.errors import DomainError


class Malformed(DomainError):
    """The request can't be read: bad JSON, a bad header, cursor or token (400)."""

    code = "malformed"
    title = "The request can't be read"


class WrongMediaType(DomainError):
    """The body is not JSON (415)."""

    code = "unsupported-media-type"
    title = "The body must be JSON"


class Unprocessable(DomainError):
    """The request can be read, but some of its values are not valid (422)."""

    code = "invalid"
    title = "The request is not valid"

    def __init__(self, errors: list[dict[str, str]]) -> None:
        """Say what is wrong: one `{"path", "message"}` for each value."""
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first['path']}: {first['message']}{more}")
        self.errors = errors
