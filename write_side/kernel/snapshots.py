"""Snapshots: an aggregate's state kept now and then, so that loading it replays less."""

from __future__ import annotations

import msgspec
import structlog

from event_store.errors import EventStoreError
from event_store.port import Snapshot, SnapshotStore
from write_side.kernel.aggregate import (
    Aggregate,
    dump_state,
    restore_state,
    state_fingerprint,
)

_log = structlog.get_logger(__name__)


class Snapshots:
    """Best effort: with none, or one that can't be read or written, the events still say all."""

    def __init__(self, store: SnapshotStore, every: int) -> None:
        """Keep one each time that another `every` events have happened to an aggregate."""
        self._store = store
        self._every = every

    async def restore(self, aggregate: Aggregate) -> None:
        """Bring a blank aggregate to its snapshot; leave it blank where none fits."""
        try:
            snapshot = await self._store.load_snapshot(aggregate.stream)
            if snapshot and snapshot.fingerprint == state_fingerprint(type(aggregate)):
                restore_state(aggregate, snapshot.version, snapshot.state)
                aggregate.last_hash = snapshot.hash
        except (EventStoreError, msgspec.DecodeError, ValueError) as error:
            _log.warning("could not use a snapshot", stream=aggregate.stream, error=str(error))

    async def keep_if_due(self, aggregate: Aggregate, before: int) -> None:
        """Keep a snapshot if one is due since version `before`; never fails.

        None is kept of an aggregate with events of unknown types: who knows them must see them.
        """
        if (
            not aggregate.knows_all
            or (before + 1) // self._every == (aggregate.version + 1) // self._every
        ):
            return
        fingerprint = state_fingerprint(type(aggregate))
        stream, state = aggregate.stream, dump_state(aggregate)
        snapshot = Snapshot(stream, aggregate.version, fingerprint, state, aggregate.last_hash)
        try:
            await self._store.save_snapshot(snapshot)
        except Exception as error:  # noqa: BLE001 - the events are kept: the command succeeded
            _log.warning("could not keep a snapshot", stream=stream, error=str(error))
