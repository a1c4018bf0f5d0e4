"""How a call is refused: the status, its words, and the trailers that clients look at."""

from __future__ import annotations

from urllib.parse import quote

from grpc import StatusCode

from event_store.dev_server.records import StreamDeleted
from event_store.errors import EventStoreError, EventStoreUnavailable, WrongExpectedVersion

_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")

Trailers = tuple[tuple[str, str], ...]


class Refused(Exception):
    """A call ends with this status."""

    def __init__(self, code: StatusCode, details: str, **trailers: str | int) -> None:
        """Say why; the trailers' names are written with hyphens."""
        super().__init__(details)
        self.code = code
        self.details = details
        self.trailers: Trailers = tuple(
            # Trailers hold printable ASCII only, names of streams everything.
            (name.replace("_", "-"), quote(str(value), safe=_PRINTABLE))
            for name, value in trailers.items()
        )


def invalid(details: str) -> Refused:
    """The request can't be meant."""
    return Refused(StatusCode.INVALID_ARGUMENT, details)


def invalid_position() -> Refused:
    """There is no such position, nor can there be."""
    return invalid("Trying to read from an invalid position.")


def missing_property(name: str) -> Refused:
    """An event was proposed without something that it needs."""
    return Refused(
        StatusCode.INVALID_ARGUMENT,
        f"Required Metadata Property '{name}' is missing.",
        exception="missing-required-metadata-property",
    )


def append_too_large(most: int) -> Refused:
    """The events of one append are more than the server takes."""
    return Refused(
        StatusCode.INVALID_ARGUMENT,
        f"Maximum Append Size of {most} Exceeded.",
        exception="maximum-append-size-exceeded",
        maximum_append_size=most,
    )


def access_denied() -> Refused:
    """The caller did not say who it is, or is not known."""
    return Refused(StatusCode.PERMISSION_DENIED, "Access Denied", exception="access-denied")


def timed_out() -> Refused:
    """It took longer than it may; whether it happened is not known."""
    return Refused(
        StatusCode.ABORTED, "Operation timed out: the event store did not answer in time."
    )


def refusal_of(error: EventStoreError) -> Refused:
    """How a call ends that the store refused."""
    if isinstance(error, StreamDeleted):
        return Refused(
            StatusCode.FAILED_PRECONDITION,
            str(error),
            exception="stream-deleted",
            stream_name=error.stream,
        )
    if isinstance(error, WrongExpectedVersion):
        return _wrong_version(error)
    if isinstance(error, EventStoreUnavailable):
        return Refused(StatusCode.UNAVAILABLE, f"Server Is Not Ready: {error}")
    return Refused(StatusCode.INTERNAL, str(error))


def _wrong_version(error: WrongExpectedVersion) -> Refused:
    return Refused(
        StatusCode.FAILED_PRECONDITION,
        f"Delete failed due to WrongExpectedVersion. Stream: {error.stream}, "
        f"Expected version: {error.expected}, Actual version: {error.current}",
        exception="wrong-expected-version",
        stream_name=error.stream,
        expected_version=str(error.expected),
        actual_version=error.current,
    )
