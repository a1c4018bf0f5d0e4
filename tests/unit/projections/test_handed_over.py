"""What a former owner of a partition still does when it is handed over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from event_store.partitions import Mark
from projections import partition_feed
from projections.engine import Engine
from projections.generations import active_of
from projections.partition_feed import PartitionFeed
from projections.product_catalogue import ProductCatalogue
from projections.projector import fingerprint
from projections.shown import oldest_missing, what_is_shown
from read_side.port import Checkpoint, Generation, WriteBatch
from tests.support.partitions import ALL, number_of, partition_of
from tests.support.projections import STORE, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore
from tests.unit.projections.test_worker import added, priced

STREAM = "product-1"
NAME = "product_catalogue"


class SlowToUnpark(MemoryProjectionStore):
    """The write that lets a stream flow again takes until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def write(self, generation: Generation, batch: WriteBatch) -> None:
        if batch.unpark:
            self.begun.set()
            await self.go_on.wait()
        await super().write(generation, batch)


class Poisoned(ProductCatalogue):
    """Can't project a price, at first."""

    poisoned = True

    def project(self, document: Any, event: Any, context: Any) -> Any:
        if self.poisoned and context.recorded.version == 1:
            raise ValueError("can't be projected")
        return super().project(document, event, context)


async def test_let_flow_again_by_its_former_owner_then_what_was_passed_over_is_shown():
    projector, events, store = Poisoned(), MemoryEventStore(), SlowToUnpark()
    await store.activate(
        await store.create_generation(projector.document_type, fingerprint(projector))
    )
    active = active_of(await store.generations(NAME))
    assert active is not None
    former, owner = (Engine(projector, active, events, store) for _ in range(2))
    await former.process(events.record(*stream(STREAM, added(), priced(2))))
    projector.poisoned = False
    await store.request(active, STREAM, "retry", None)
    resuming = asyncio.create_task(former.carry_out_requests())
    await store.begun.wait()
    await owner.process(events.record(*stream(STREAM, priced(3), first=2)))
    store.go_on.set()
    await resuming
    assert store.streams(active)["1"][STREAM] == 1
    assert await owner.has_parked()
    await owner.carry_out_requests()
    assert store.streams(active)["1"][STREAM] == 2
    assert not await owner.has_parked()


async def test_checkpoint_moved_back_by_its_former_owner_then_moved_forth_without_a_new_event(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(partition_feed, "CHECK_SECONDS", 0.0)
    projector, events, store = ProductCatalogue(), MemoryEventStore(), MemoryProjectionStore()
    made = await store.create_generation(projector.document_type, fingerprint(projector))
    first, *_, last = events.record(*stream(STREAM, added(), priced(2), priced(3)))
    engine = Engine(projector, made, events, store)
    feed = PartitionFeed(engine, made, events, store, projector.categories, STORE, number_of)
    feed.own(ALL)
    await feed.read_on()
    late = Checkpoint(str(partition_of(STREAM)), STORE, first.position)
    await store.write(made, WriteBatch(checkpoints=[late]))
    shown = await what_is_shown(store, made, number_of)
    assert await oldest_missing(events, shown, projector.categories) is not None
    await feed.advance(Mark(STORE, last.position, {partition_of(STREAM): last.position}))
    shown = await what_is_shown(store, made, number_of)
    assert await oldest_missing(events, shown, projector.categories) is None
