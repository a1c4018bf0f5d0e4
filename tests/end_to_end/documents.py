"""All documents of a read store, and what they should be: made anew from the events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from event_store.port import EventStore
from projections.catalogue import PROJECTORS
from projections.embedded import EmbeddedRunner
from projections.generations import active_of
from read_side.port import Search

Documents = Mapping[str, Mapping[str, Any]]
"""By projection and key: the document, and the versions of the streams that it is made of."""


async def all_documents(store: Any) -> Documents:
    """What each projection shows."""
    return {name: await _documents_of(store, name) for name in PROJECTORS}


async def _documents_of(store: Any, name: str) -> Mapping[str, Any]:
    generation = active_of(await store.generations(name))
    shown: dict[str, Any] = {}
    await store.refresh(name)
    found = await store.search(name, Search(limit=10_000))
    while True:
        keys = [_key_of(document) for document in found.documents]
        for key, stored in (await store.load(generation, keys)).items():
            shown[key] = (stored.document, dict(stored.streams))
        if found.next_cursor is None:
            return shown
        found = await store.search(name, Search(limit=10_000, cursor=found.next_cursor))


def _key_of(document: Mapping[str, Any]) -> str:
    return next(document[name] for name in ("event_id", "sku", "id") if name in document)


async def built_from(events: EventStore, store: Any) -> Documents:
    """Project all events into an empty store."""
    runner = EmbeddedRunner(events, store, PROJECTORS.values())
    await runner.start()
    try:
        async with asyncio.timeout(30):
            await runner.ready()
        return await all_documents(store)
    finally:
        await runner.stop()
