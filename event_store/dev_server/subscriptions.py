"""The method `Read` without a limit: history first, then each event as soon as it is written.

A subscription remembers only how far it is and reads from the file, woken by commits. So a slow
client costs no memory, and between history and live nothing is lost or sent twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from event_store.dev_server import reads
from event_store.dev_server.database import Database, now
from event_store.dev_server.messages import stream_of
from event_store.dev_server.protocol import streams_pb2
from event_store.dev_server.read_options import Asked, log_position, stream_revision
from event_store.dev_server.records import DELETED_REVISION, STREAM_DELETED, StreamDeleted
from event_store.dev_server.sending import Sender
from event_store.dev_server.stream_states import Readable, readable_of, readable_state_of


async def follow(database: Database, asked: Asked, sender: Sender) -> None:
    """Send events until the client has enough, or the server ends."""
    if asked.of_log:
        start = log_position(asked.options)
        start = database.head if start is None else start
        await _confirm(sender)
        await _follow_log(database, asked, start, sender)
    else:
        name, after = stream_of(asked.options.stream), stream_revision(asked.options)
        await _confirm(sender)
        await _follow_stream(database, name, after, sender)


async def _confirm(sender: Sender) -> None:
    confirmation = streams_pb2.ReadResp.SubscriptionConfirmation(subscription_id=str(uuid4()))
    await sender.send(streams_pb2.ReadResp(confirmation=confirmation))


async def _follow_stream(
    database: Database, stream: str, after: int | None, sender: Sender
) -> None:
    head = database.head
    state = await database.read(readable_state_of, stream)
    if after is not None:
        readable = readable_of(state, now())
        readable = readable._replace(first=max(after + 1, readable.first))
        await _send_stream(database, stream, readable, sender)
    after = state.last if after is None else max(after, state.last)
    await sender.send(_caught_up())
    while True:
        # All that is written from now on, also what nobody could read any more.
        rest = Readable(after + 1, DELETED_REVISION, 0)
        after = await _send_stream(database, stream, rest, sender)
        await database.wait_beyond(head)
        head = database.head


async def _send_stream(database: Database, stream: str, readable: Readable, sender: Sender) -> int:
    """Send these events; returns the revision of the last, or of the one before the first."""
    after = readable.first - 1
    while after < readable.last:
        database.check_running()
        rest = readable._replace(first=after + 1)
        page = await database.read(reads.stream_page, stream, rest, False, reads.PAGE_LIMIT)
        for record in page.records:
            await sender.event(record)
            after = record.revision
            if record.type == STREAM_DELETED and after == DELETED_REVISION:
                raise StreamDeleted(stream)
        if page.whole:
            break
    return after


async def _follow_log(database: Database, asked: Asked, position: int, sender: Sender) -> None:
    checkpoints = _Checkpoints(asked.checkpoint_interval, position)
    live = False
    while True:
        head = database.head
        while position < head:
            database.check_running()
            page = await database.log_page(
                asked.wanted, position, head + 1, False, reads.PAGE_LIMIT
            )
            for record in page.records:
                for checkpoint in checkpoints.until(record.position - 1):
                    await sender.send(checkpoint)
                await sender.event(record)
            position = page.considered
            for checkpoint in checkpoints.until(position):
                await sender.send(checkpoint)
        if not live:
            live = True
            for checkpoint in checkpoints.caught_up(position, head):
                await sender.send(checkpoint)
            await sender.send(_caught_up())
        await database.wait_beyond(head)


class _Checkpoints:
    """Tells a filtered subscription from time to time how far it is; others are not told.

    Positions have no gaps, so that their distance is how many events were looked at.
    """

    def __init__(self, interval: int | None, start: int) -> None:
        self._interval = interval
        self._sent = start
        self._first = True

    def until(self, position: int) -> Iterator[streams_pb2.ReadResp]:
        """Those that are due once everything up to this position was looked at."""
        while self._interval is not None and self._sent + self._interval <= position:
            self._first = False
            self._sent += self._interval
            yield _checkpoint(self._sent)

    def caught_up(self, position: int, head: int) -> Iterator[streams_pb2.ReadResp]:
        """The one that ends the history, unless it was sent."""
        if self._interval is None or position > head:
            return
        if self._first or position > self._sent:
            self._first = False
            self._sent = position
            yield _checkpoint(position)


def _checkpoint(position: int) -> streams_pb2.ReadResp:
    return streams_pb2.ReadResp(
        checkpoint=streams_pb2.ReadResp.Checkpoint(
            commit_position=position, prepare_position=position
        )
    )


def _caught_up() -> streams_pb2.ReadResp:
    return streams_pb2.ReadResp(caught_up=streams_pb2.ReadResp.CaughtUp())
