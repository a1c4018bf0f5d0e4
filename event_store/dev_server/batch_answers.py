"""Answers to batches: errors are told within the answer, the call goes on."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from event_store.dev_server.appends import Written
from event_store.dev_server.messages import filled, named
from event_store.dev_server.protocol import code_pb2, shared_pb2, status_pb2, streams_pb2
from event_store.dev_server.records import ANY, NO_STREAM, STREAM_EXISTS, StreamDeleted
from event_store.dev_server.statuses import Refused
from event_store.errors import BatchTooLarge, WrongExpectedVersion


def success(written: Written) -> streams_pb2.BatchAppendResp:
    """The batch is written."""
    success = filled(streams_pb2.BatchAppendResp.Success(), written.revision, written.position)
    return streams_pb2.BatchAppendResp(success=success)


def failure(error: Exception, most: int) -> streams_pb2.BatchAppendResp:
    """The batch is not written; `most` is how many bytes one may hold."""
    match error:
        case WrongExpectedVersion():
            status = _status(code_pb2.ALREADY_EXISTS, "WrongExpectedVersion", _wrong(error))
        case StreamDeleted():
            details = shared_pb2.StreamDeleted(stream_identifier=named(error.stream))
            status = _status(code_pb2.NOT_FOUND, str(error), details)
        case BatchTooLarge():
            details = shared_pb2.MaximumAppendSizeExceeded(maxAppendSize=most)
            status = _status(code_pb2.INVALID_ARGUMENT, str(error), details)
        case Refused(code=StatusCode.INVALID_ARGUMENT):
            details = shared_pb2.BadRequest(message=error.details)
            status = _status(code_pb2.INVALID_ARGUMENT, error.details, details)
        case Refused():
            status = _status(code_pb2.DEADLINE_EXCEEDED, error.details, shared_pb2.Timeout())
        case _:
            status = _status(code_pb2.UNKNOWN, str(error), shared_pb2.Unknown())
    return streams_pb2.BatchAppendResp(error=status)


def _wrong(error: WrongExpectedVersion) -> shared_pb2.WrongExpectedVersion:
    wrong = shared_pb2.WrongExpectedVersion()
    if error.current == NO_STREAM:
        wrong.current_no_stream.SetInParent()
    else:
        wrong.current_stream_revision = error.current
    match error.expected:
        case int(expected) if expected >= 0:
            wrong.expected_stream_position = expected
        case int(expected) if expected == ANY:
            wrong.expected_any.SetInParent()
        case int(expected) if expected == STREAM_EXISTS:
            wrong.expected_stream_exists.SetInParent()
        case _:
            wrong.expected_no_stream.SetInParent()
    return wrong


def _status(code: code_pb2.Code.ValueType, message: str, details: Any) -> status_pb2.Status:
    status = status_pb2.Status(code=code, message=message)
    status.details.Pack(details)
    return status
