"""The method `Read` with a limit: pages of a stream or of the log, until that many are sent."""

from __future__ import annotations

from event_store.dev_server import reads
from event_store.dev_server.database import Database, now
from event_store.dev_server.messages import named, stream_of
from event_store.dev_server.protocol import streams_pb2
from event_store.dev_server.read_options import Asked, asked_of, log_position, stream_revision
from event_store.dev_server.rpc import Call
from event_store.dev_server.sending import Sender
from event_store.dev_server.stream_states import readable_of, readable_state_of
from event_store.dev_server.subscriptions import follow


class Reading:
    """Reads on behalf of clients."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._database = database

    async def read(self, request: streams_pb2.ReadReq, call: Call) -> None:
        """Send what is asked for, or follow it."""
        asked = asked_of(request.options)
        sender = Sender(self._database, call, asked.options)
        if asked.limit is None:
            await follow(self._database, asked, sender)
        elif asked.of_log:
            await self._read_log(asked, asked.limit, sender)
        else:
            await self._read_stream(asked, asked.limit, sender)

    async def _read_stream(self, asked: Asked, limit: int, sender: Sender) -> None:
        name, start = stream_of(asked.options.stream), stream_revision(asked.options)
        state = await self._database.read(readable_state_of, name)
        readable = readable_of(state, now())
        if state.last < 0 or state.soft_deleted:
            missing = streams_pb2.ReadResp.StreamNotFound(stream_identifier=named(name))
            await sender.send(streams_pb2.ReadResp(stream_not_found=missing))
            return
        if asked.backwards:
            if start is not None:
                readable = readable._replace(last=min(max(start, 0), readable.last))
        else:
            first = readable.last + 1 if start is None else start
            readable = readable._replace(first=max(first, readable.first))
        run = self._database.read
        while limit and readable.first <= readable.last:
            most = min(limit, reads.PAGE_LIMIT)
            records, whole = await run(reads.stream_page, name, readable, asked.backwards, most)
            for record in records:
                await sender.event(record)
            if whole:
                return
            limit -= len(records)
            if asked.backwards:
                readable = readable._replace(last=records[-1].revision - 1)
            else:
                readable = readable._replace(first=records[-1].revision + 1)
            # The first page is quick: only long reads wait for their turn in the thread.
            run = self._database.read_long

    async def _read_log(self, asked: Asked, limit: int, sender: Sender) -> None:
        start, head = log_position(asked.options), self._database.head
        low, high = 0, head + 1
        if asked.backwards:
            high = high if start is None else min(start, high)
        else:
            low = head if start is None else max(start - 1, 0)
        most = 0
        while limit and high - low > 1:
            most = min(reads.PAGE_LIMIT, max(limit, 2 * most))
            page = await self._database.log_page(asked.wanted, low, high, asked.backwards, most)
            for record in page.records[:limit]:
                await sender.event(record)
            limit -= min(limit, len(page.records))
            if asked.backwards:
                high = page.considered
            else:
                low = page.considered
