"""The protocol's messages: read into our own terms, and made from them."""

from __future__ import annotations

from typing import Protocol, TypeVar
from uuid import UUID

from event_store.dev_server.protocol import shared_pb2, streams_pb2
from event_store.dev_server.records import (
    ANY,
    DELETED_REVISION,
    NO_STREAM,
    STREAM_EXISTS,
    Proposed,
    Record,
)
from event_store.dev_server.statuses import invalid, missing_property

_JSON, _BYTES = "application/json", "application/octet-stream"
_NAMED = {"no_stream": NO_STREAM, "any": ANY, "stream_exists": STREAM_EXISTS}
_TICKS = 10
"""Ticks of 100 ns in a microsecond."""
_SIGN, _WORD = 1 << 63, 1 << 64

ProposedMessage = TypeVar(
    "ProposedMessage",
    streams_pb2.AppendReq.ProposedMessage,
    streams_pb2.BatchAppendReq.ProposedMessage,
)


Success = TypeVar("Success", streams_pb2.AppendResp.Success, streams_pb2.BatchAppendResp.Success)


class HasStream(Protocol):
    """Options that name a stream."""

    @property
    def stream_identifier(self) -> shared_pb2.StreamIdentifier:
        """The stream."""
        ...


def stream_of(options: HasStream) -> str:
    """The name of the stream.

    Raises:
        Refused: there is none, or it is no text.
    """
    try:
        name = options.stream_identifier.stream_name.decode()
    except UnicodeDecodeError:
        raise invalid("The name of a stream is UTF-8.") from None
    if not name:
        raise invalid("A stream needs a name.")
    return name


def filled(success: Success, revision: int, position: int | None) -> Success:
    """A success that says where an append ended, as far as that is known."""
    if revision == NO_STREAM:
        success.no_stream.SetInParent()
    else:
        success.current_revision = revision
    if position is None:
        success.no_position.SetInParent()
    else:
        success.position.commit_position = position
        success.position.prepare_position = position
    return success


def named(stream: str) -> shared_pb2.StreamIdentifier:
    """A stream, by its name."""
    return shared_pb2.StreamIdentifier(stream_name=stream.encode())


def revision_of(number: int) -> int:
    """A revision, or the position of an event.

    Raises:
        Refused: it is out of range.
    """
    if number > DELETED_REVISION:
        raise invalid("A revision is at most 9223372036854775807.")
    return number


def expected_of(kind: str | None, revision: int) -> int:
    """The version that a write expects, by what was set and its number.

    Raises:
        Refused: nothing is expected.
    """
    if kind is None:
        raise invalid("An expected revision is missing: a number, no_stream, any or stream_exists.")
    named_version = _NAMED.get(kind)
    return revision_of(revision) if named_version is None else named_version


def proposed(message: ProposedMessage) -> Proposed:
    """An event to be written.

    Raises:
        Refused: its type or content type is missing, or its id is none.
    """
    described = message.metadata
    for name in ("type", "content-type"):
        if name not in described:
            raise missing_property(name)
    if not described["type"]:
        raise invalid("The type of an event needs a name.")
    return Proposed(
        id_of(message.id),
        described["type"],
        described["content-type"] == _JSON,
        message.data,
        message.custom_metadata,
    )


def id_of(message: shared_pb2.UUID) -> bytes:
    """The 16 bytes of an id, in either of its forms.

    Raises:
        Refused: it is no id.
    """
    if message.WhichOneof("value") == "structured":
        halves = message.structured
        number = (halves.most_significant_bits % _WORD) << 64
        return (number | halves.least_significant_bits % _WORD).to_bytes(16)
    try:
        return UUID(message.string).bytes
    except ValueError:
        raise invalid("An id is a UUID.") from None


def id_message(id_: bytes, structured: bool = False) -> shared_pb2.UUID:
    """An id, as text or as two numbers."""
    if structured:
        return shared_pb2.UUID(
            structured=shared_pb2.UUID.Structured(
                most_significant_bits=int.from_bytes(id_[:8], signed=True),
                least_significant_bits=int.from_bytes(id_[8:], signed=True),
            )
        )
    text = id_.hex()
    return shared_pb2.UUID(
        string=f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    )


def read_response(
    record: Record, link: Record | None = None, *, structured: bool = False
) -> streams_pb2.ReadResp:
    """An event that was read; with `link`, the one that the link led to."""
    return streams_pb2.ReadResp(
        event=streams_pb2.ReadResp.ReadEvent(
            event=_recorded(record, structured),
            link=_recorded(link, structured) if link else None,
            commit_position=(link or record).position,
        )
    )


def broken_link_response(link: Record, *, structured: bool) -> streams_pb2.ReadResp:
    """A link whose event can't be read."""
    return streams_pb2.ReadResp(
        event=streams_pb2.ReadResp.ReadEvent(
            link=_recorded(link, structured), commit_position=link.position
        )
    )


def _recorded(record: Record, structured: bool) -> streams_pb2.ReadResp.ReadEvent.RecordedEvent:
    return streams_pb2.ReadResp.ReadEvent.RecordedEvent(
        id=id_message(record.id, structured),
        stream_identifier=named(record.stream),
        stream_revision=record.revision,
        prepare_position=record.position,
        commit_position=record.position,
        metadata={
            "type": record.type,
            "content-type": _JSON if record.is_json else _BYTES,
            "created": str(record.recorded_at * _TICKS),
        },
        custom_metadata=record.metadata,
        data=record.data,
    )
