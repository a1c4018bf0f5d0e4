"""How much the audit reads."""

from __future__ import annotations

import asyncio

from contracts.events.inventory import StockReceived
from read_side.audit.index import EventFilter
from read_side.audit.replay import CHUNK
from read_side.audit.trail import AuditTrail
from read_side.port import Found
from read_side.queries.paging import PageWanted
from tests.support.aggregates import happened
from tests.support.audit import FakeEvents, past
from tests.support.projections import in_order, stream

LENGTH = 3 * CHUNK + 7
RECEIVED = happened(StockReceived, location="north", quantity=1)
EVENTS = in_order(stream(f"stock-{sku}", *[RECEIVED] * LENGTH) for sku in ("TEA", "CUP"))


class FakeDocuments:
    """An index of all events, and no customers."""

    async def get_many(self, projection, keys):
        return {}

    async def search(self, projection, search) -> Found:
        documents = [
            {
                "event_id": str(event.id),
                "stream": event.stream,
                "version": event.version,
                "recorded_at": event.recorded_at.isoformat(),
                "store": "s",
                "position": event.position,
            }
            for event in EVENTS
        ]
        return Found(sorted(documents, key=lambda one: one["recorded_at"]), None)


async def test_thousands_of_events_are_read_stream_by_stream_in_chunks():
    events = FakeEvents(EVENTS)
    trail = AuditTrail(events, past(), FakeDocuments())
    page = await trail.events(EventFilter(), PageWanted(2 * LENGTH))
    assert len(page["items"]) == 2 * LENGTH
    assert events.reads == 2 * (LENGTH // CHUNK + 1)


async def test_going_through_all_events_reads_each_stream_once_and_shows_the_same():
    whole = await AuditTrail(FakeEvents(EVENTS), past(), FakeDocuments()).events(
        EventFilter(), PageWanted(2 * LENGTH)
    )
    events = FakeEvents(EVENTS)
    batches = AuditTrail(events, past(), FakeDocuments()).all_events(EventFilter())
    sizes, entries = [], []
    async for batch in batches:
        sizes.append(len(batch))
        entries += batch
    assert entries == whole["items"]
    assert max(sizes) < LENGTH
    # From their beginnings each time it would be more than twice as many.
    assert events.reads <= 2 * len(sizes) + 2 * LENGTH // CHUNK


async def test_a_long_replay_gives_way_to_others_after_each_chunk():
    trail = AuditTrail(FakeEvents(EVENTS), past(), FakeDocuments())
    asked = asyncio.ensure_future(trail.stream_page("stock-TEA", PageWanted(LENGTH)))
    turns = 0
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > LENGTH // CHUNK


async def test_a_page_of_a_long_stream_reads_only_up_to_its_end():
    events = FakeEvents(EVENTS)
    trail = AuditTrail(events, past(), FakeDocuments())
    first = await trail.stream_page("stock-TEA", PageWanted(CHUNK - 1))
    assert events.reads == 2
    rest = [entry async for entry in trail.stream_entries("stock-TEA")][CHUNK - 1 :]
    found = []
    cursor = first["next_cursor"]
    while cursor is not None:
        page = await trail.stream_page("stock-TEA", PageWanted(CHUNK - 1, cursor))
        found += page["items"]
        cursor = page["next_cursor"]
    assert found == rest
    # The difference is of the whole past, wherever a page begins.
    assert found[-1]["changes"][0] == {"path": "on_hand", "before": LENGTH - 1, "after": LENGTH}
