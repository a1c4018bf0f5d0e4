"""Sends events to one reader, in the form it asked for."""

from __future__ import annotations

from event_store.dev_server import reads
from event_store.dev_server.database import Database, now
from event_store.dev_server.messages import broken_link_response, read_response
from event_store.dev_server.protocol import streams_pb2
from event_store.dev_server.records import LINK, Record, StreamDeleted
from event_store.dev_server.rpc import Call
from event_store.dev_server.stream_states import readable_of, readable_state_of


class Sender:
    """One reader."""

    def __init__(
        self, database: Database, call: Call, options: streams_pb2.ReadReq.Options
    ) -> None:
        """Send on this call; links lead to events of this database."""
        self._database = database
        self.send = call.write
        self._resolves = options.resolve_links
        self._structured = options.uuid_option.WhichOneof("content") == "structured"

    async def event(self, record: Record) -> None:
        """Send an event; in place of a link, if that is asked for, the event it leads to."""
        if not self._resolves or record.type != LINK:
            await self.send(read_response(record, structured=self._structured))
            return
        target = await self._target_of(record)
        if target is None:
            await self.send(broken_link_response(record, structured=self._structured))
        else:
            await self.send(read_response(target, record, structured=self._structured))

    async def _target_of(self, link: Record) -> Record | None:
        revision, _, stream = link.data.decode(errors="replace").partition("@")
        if not (revision.isascii() and revision.isdigit() and len(revision) < 20) or not stream:
            return None
        try:
            state = await self._database.read(readable_state_of, stream)
        except StreamDeleted:
            return None
        if int(revision) > state.last or state.soft_deleted:
            return None
        record = await self._database.read(reads.record_at, stream, int(revision))
        if record is None:
            return None
        readable = readable_of(state, now()).holds(record.revision, record.recorded_at)
        return record if readable else None
