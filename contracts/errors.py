"""What can be refused, in terms of the domain. The API turns each into a problem document."""

from __future__ import annotations


class DomainError(Exception):
    """A command or query that is answered with a reason instead of a result."""

    code = "domain-error"
    """Stable: the last part of the problem's `type`."""
    title = "The request was refused"

    def __init__(self, detail: str, *, code: str | None = None, title: str | None = None) -> None:
        """Say in plain words why; `code` and `title` name the rule when it has a name."""
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.title = title or type(self).title


class Refused(DomainError):
    """A rule of the domain does not allow it in the present state (409)."""

    code = "refused"


class NotFound(DomainError):
    """What the request is about does not exist, or not for this caller (404)."""

    code = "not-found"
    title = "Not found"


class Forbidden(DomainError):
    """The caller is known and may not do this (403)."""

    code = "forbidden"
    title = "You may not do this"


class Unauthenticated(DomainError):
    """Who is calling could not be established (401)."""

    code = "unauthenticated"
    title = "Please sign in"


class Invalid(DomainError):
    """A value is out of its range (422)."""

    code = "invalid"
    title = "The request is not valid"

    def __init__(self, path: str, message: str) -> None:
        """Name the path of the value and what is wrong with it."""
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class VersionMismatch(DomainError):
    """`If-Match` named another version than the aggregate has (412)."""

    code = "version-mismatch"
    title = "The version is not the one you expected"


class IdempotencyKeyReused(DomainError):
    """The same `Idempotency-Key` came with another request (422)."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"


class TooManyRequests(DomainError):
    """The caller has to slow down (429)."""

    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        """Say why, and after how many seconds another try makes sense."""
        super().__init__(detail)
        self.retry_after = retry_after


class Damaged(DomainError):
    """What is recorded can't be read, or is not all there any more (503).

    Trying again helps only once an operator has mended it.
    """

    code = "events-damaged"
    title = "What was recorded is damaged"
    retry_after = 60


class Unavailable(DomainError):
    """Something this depends on does not answer now (503)."""

    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        """Say what, and after how many seconds another try makes sense."""
        super().__init__(detail)
        self.retry_after = retry_after
