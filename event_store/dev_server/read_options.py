"""What a `Read` asks for, checked."""

from __future__ import annotations

import re
from typing import NamedTuple

from event_store.dev_server.filters import Filter
from event_store.dev_server.messages import revision_of
from event_store.dev_server.protocol import streams_pb2
from event_store.dev_server.records import DELETED_REVISION
from event_store.dev_server.statuses import invalid, invalid_position

_END_POSITION = 2**64 - 1
_DEFAULT_WINDOW = 32

Options = streams_pb2.ReadReq.Options


class Asked(NamedTuple):
    """A checked request; `limit` is None for a subscription."""

    options: Options
    of_log: bool
    backwards: bool
    limit: int | None
    wanted: Filter | None
    checkpoint_interval: int | None


def asked_of(options: Options) -> Asked:
    """Check what can be combined.

    Raises:
        Refused: this can't, or a part is missing.
    """
    of_log = options.WhichOneof("stream_option") == "all"
    backwards = options.read_direction == Options.Backwards
    limit = options.count if options.WhichOneof("count_option") == "count" else None
    filtered = options.WhichOneof("filter_option") == "filter"
    missing = [
        option
        for option in ("stream_option", "count_option", "filter_option")
        if options.WhichOneof(option) is None
    ]
    if missing:
        raise invalid(f"The request needs {' and '.join(missing)}.")
    if filtered and not of_log:
        raise invalid("Only $all can be read with a filter.")
    if backwards and limit is None:
        raise invalid("A subscription reads forwards.")
    wanted = _filter_of(options.filter) if filtered else None
    interval = _interval_of(options.filter) if filtered and limit is None else None
    return Asked(options, of_log, backwards, limit, wanted, interval)


def log_position(options: Options) -> int | None:
    """Where to begin in the log: 0 for before all events, None for after them.

    Raises:
        Refused: there can be no such position.
    """
    match options.all.WhichOneof("all_option"):
        case "position":
            commit = options.all.position.commit_position
            if commit == _END_POSITION:
                return None
            if not options.all.position.prepare_position <= commit <= DELETED_REVISION:
                raise invalid_position()
            return commit
        case "end":
            return None
        case "start":
            return 0
        case _:
            return None if options.read_direction == Options.Backwards else 0


def stream_revision(options: Options) -> int | None:
    """Where to begin in a stream: -1 for its start, None for its end.

    Raises:
        Refused: there can be no such revision.
    """
    match options.stream.WhichOneof("revision_option"):
        case "revision" if options.stream.revision != _END_POSITION:
            return revision_of(options.stream.revision)
        case "start":
            return -1
        case None if options.read_direction == Options.Forwards:
            return -1
        case _:
            return None


def _filter_of(options: Options.FilterOptions) -> Filter:
    match options.WhichOneof("filter"):
        case "event_type":
            column, expression = "type", options.event_type
        case "stream_identifier":
            column, expression = "stream", options.stream_identifier
        case _:
            raise invalid("A filter is on event_type or on stream_identifier.")
    try:
        return Filter(column, prefixes=tuple(expression.prefix), regex=expression.regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise invalid(f"The filter is no regular expression: {error}.") from error


def _interval_of(options: Options.FilterOptions) -> int:
    if not options.checkpointIntervalMultiplier:
        raise invalid("checkpointIntervalMultiplier must be greater than 0.")
    window = options.max if options.WhichOneof("window") == "max" else _DEFAULT_WINDOW
    return max(window, 1) * options.checkpointIntervalMultiplier
