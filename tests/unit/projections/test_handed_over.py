"""A parked stream that flows again while its partition is handed over."""

from __future__ import annotations

import asyncio
from typing import Any

from projections.engine import Engine
from projections.generations import active_of
from projections.product_catalogue import ProductCatalogue
from projections.projector import fingerprint
from read_side.port import Generation, WriteBatch
from tests.support.projections import stream
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
