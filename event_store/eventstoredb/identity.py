"""The identity of a store: in a stream of its own, so that it is backed up with the events."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from uuid import uuid4

import msgspec

from event_store.errors import EventStoreCorrupt, EventStoreError
from event_store.eventstoredb.client import Client, VersionConflict
from event_store.port import NewEvent, Position, StreamState
from event_store.positions import position_of
from event_store.tasks import stop

_STREAM = "store-identity"
LOOK_SECONDS = 2.0
"""How long after a look the next one is due: a restore may have renewed the identity."""


class _Identified(msgspec.Struct):
    id: str


class Identity:
    """What the server says, as last seen: nobody waits for it but who asks first."""

    def __init__(self, client: Client) -> None:
        """Ask this server."""
        self._client = client
        self._known: str | None = None
        self._looked_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def get(self) -> str:
        """The identity, made when it is first asked for; a look at it is begun where one is due.

        Raises:
            EventStoreUnavailable: it was never seen, and the server can't be asked.
        """
        if self._known is None:
            known = await self._stored() or await self._made(StreamState.NO_STREAM)
            self._seen(known)
            return known
        due = time.monotonic() - self._looked_at >= LOOK_SECONDS
        if due and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())
        return self._known

    async def renew(self) -> str:
        """Make another one."""
        known = await self._made(StreamState.ANY)
        self._seen(known)
        return known

    async def renew_if_beyond(self, position: Position, known: str) -> bool:
        """Make another one in place of the known one if the server does not reach a position.

        Where what is appended now ends up is the leader's word; a node that has yet to catch up
        with it would show an end that is not one. Whether there is another one now.
        """
        stored = await self._stored()
        if stored is not None and stored != known:
            self._seen(stored)
            return True
        if position_of(await self._write(known, StreamState.ANY)) > position:
            return False
        await self.renew()
        return True

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            await stop(self._looking)

    async def _look(self) -> None:
        before = self._looked_at
        found = self._known
        # Whoever needs the server now learns from what is asked of it that it does not answer.
        with suppress(EventStoreError):
            found = await self._stored() or found
        if self._looked_at == before:
            self._seen(found)

    def _seen(self, identity: str | None) -> None:
        self._known, self._looked_at = identity, time.monotonic()

    async def _stored(self) -> str | None:
        found = await self._client.read_stream(_STREAM, start=None, backwards=True, limit=1)
        if not found:
            return None
        try:
            return msgspec.json.decode(found[0].data, type=_Identified).id
        except msgspec.DecodeError as error:
            raise EventStoreCorrupt(f"the stream {_STREAM} is not ours: {error}") from error

    async def _made(self, expected: StreamState) -> str:
        identity = str(uuid4())
        try:
            await self._write(identity, expected)
        except VersionConflict:
            return await self._stored() or identity
        return identity

    async def _write(self, identity: str, expected: StreamState) -> int:
        """Write it down; the commit position of that."""
        data = msgspec.json.encode({"id": identity})
        event = NewEvent(uuid4(), "StoreIdentified", data, b"{}")
        return await self._client.append(_STREAM, [event], expected)
