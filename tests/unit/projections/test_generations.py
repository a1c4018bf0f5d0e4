"""Which generation is gone on with, while a rebuild begins or ends."""

from __future__ import annotations

from projections.generations import fitting_generation
from projections.product_catalogue import ProductCatalogue
from projections.projector import fingerprint
from read_side.port import Generation
from read_side.rebuild_port import Rebuild
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore

PROJECTOR = ProductCatalogue()


class RebuiltMeanwhile(MemoryProjectionStore):
    """Another process begins a rebuild just after it was looked what is being rebuilt."""

    begun: Generation | None = None

    async def begin(self) -> Generation:
        return await self.begin_rebuild(
            PROJECTOR.document_type, fingerprint(PROJECTOR), total=0, lease_seconds=15
        )

    async def rebuilds(self, projection: str) -> list[Rebuild]:
        found = list(await super().rebuilds(projection))
        self.begun = self.begun or await self.begin()
        return found


async def test_generation_of_a_rebuild_that_begins_meanwhile_is_left_alone():
    store = RebuiltMeanwhile()
    active = await store.create_generation(PROJECTOR.document_type, fingerprint(PROJECTOR))
    await store.activate(active)
    fitting = await fitting_generation(MemoryEventStore(), store, PROJECTOR)
    assert fitting is not None
    assert fitting.number == active.number
    assert store.begun in await store.generations(PROJECTOR.name)
