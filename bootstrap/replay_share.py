"""A process that replays one share of the events into a generation; a rebuild starts some of them.

It reads what to do from standard input, says on standard output how far it is, a line of JSON each
time, and ends at once when its input closes: then whoever started it is gone.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec
import structlog

from api.cli.application import CannotOpen
from bootstrap import logs
from bootstrap.event_stores import open_event_store
from bootstrap.read_stores import open_read_store
from bootstrap.replay_processes import Told
from bootstrap.settings import Settings
from event_store.errors import EventStoreError
from event_store.port import EventStore
from event_store.shares import Share
from projections.catalogue import PROJECTORS
from projections.replay import Replay, replay_share
from read_side.port import ReadStoreError
from read_side.rebuild_port import LoadsShares, RebuildStore

OpenStores = Callable[[Settings], AbstractAsyncContextManager[tuple[EventStore, RebuildStore]]]
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def stores(settings: Settings) -> AsyncGenerator[tuple[EventStore, RebuildStore]]:
    """The stores that the settings name.

    Raises:
        CannotOpen: one can't be opened; the message says why.
    """
    events = await open_event_store(settings)
    try:
        documents = await open_read_store(settings)
        try:
            yield events, documents
        finally:
            await documents.close()
    finally:
        await events.close()


def main(open_stores: OpenStores = stores) -> None:
    """Replay what standard input says, and exit."""
    # Our own parent wrote it, and nobody else can.
    settings, replay, share = pickle.load(sys.stdin.buffer)  # noqa: S301
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logs.configure(settings)
    try:
        asyncio.run(_replay(open_stores, settings, replay, share))
    except (CannotOpen, EventStoreError, ReadStoreError, OSError) as error:
        told = Told(error=str(error))
    except Exception as error:  # noqa: BLE001 whatever it is, the parent has to know
        _log.exception("a share could not be replayed", projection=replay.projection)
        told = Told(error=f"{type(error).__name__}: {error}")
    else:
        told = Told(finished=True)
    _tell(told)
    sys.exit(0 if told.finished else 1)


async def _replay(
    open_stores: OpenStores, settings: Settings, replay: Replay, share: Share
) -> None:
    async with open_stores(settings) as (events, documents):
        if not isinstance(documents, LoadsShares):
            raise ReadStoreError("one process at a time writes to this read store")
        projector = PROJECTORS[replay.projection]
        await replay_share(events, documents, projector, replay, share, _tell_done)


def _tell_done(events: int) -> None:
    _tell(Told(done=events))


def _tell(told: Told) -> None:
    print(msgspec.json.encode(told).decode(), flush=True)  # noqa: T201 to the parent


def _end_with_parent() -> None:
    """Wait for the end of the input, which only the end of the parent brings."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
