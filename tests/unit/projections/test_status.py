"""What operators and queries are told about a projection."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.events.sales import ProductAdded
from contracts.values import Money
from projections import progress as progress_module
from projections.catalogue import PROJECTORS
from projections.engine import Engine
from projections.progress import ReadProgress
from projections.projector import fingerprint
from projections.status import Projections, ProjectionStatus
from read_side.port import Checkpoint, Generation, WriteBatch
from tests.support.aggregates import AT, happened
from tests.support.projections import RECORDED_AFTER, STORE, stored, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore

NAME = "product_catalogue"
ADDED = happened(ProductAdded, name="Tea", description="", price=Money.zero("EUR"))
UNKNOWN = stored("Unheard")
NEWER = stored("ProductPriceChanged", schema_version=2)
NOW = AT + timedelta(hours=1)


class Scene:
    """Stores in memory with an active generation of the catalogue."""

    def __init__(self) -> None:
        self.events = MemoryEventStore()
        self.store = MemoryProjectionStore()
        self.projections = Projections(self.events, self.store, PROJECTORS, now=lambda: NOW)
        self.progress = ReadProgress(self.events, self.store, self.store, PROJECTORS)

    async def activated(self) -> Generation:
        projector = PROJECTORS[NAME]
        made = await self.store.create_generation(projector.document_type, fingerprint(projector))
        await self.store.activate(made)
        return made

    async def project(self, generation: Generation, recorded, checkpoint=True) -> None:
        engine = Engine(PROJECTORS[NAME], generation, self.events, self.store)
        to = (Checkpoint("all", STORE, recorded[-1].position),) if checkpoint else ()
        await engine.process(recorded, *to)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_no_generation_when_asked_then_it_is_building(scene):
    scene.events.record(*stream("product-1", ADDED))
    assert await scene.projections.status(NAME) == ProjectionStatus(
        NAME, None, "building", (NOW - AT - RECORDED_AFTER).total_seconds(), 0
    )
    assert [one.name for one in await scene.projections.list()] == list(PROJECTORS)


async def test_all_shown_when_asked_then_there_is_no_lag(scene):
    generation = await scene.activated()
    await scene.project(generation, scene.events.record(*stream("product-1", ADDED)))
    scene.events.record(*stream("order-1", UNKNOWN))
    assert await scene.projections.status(NAME) == ProjectionStatus(NAME, 1, "live", 0.0, 0)


async def test_event_not_shown_when_asked_then_lag_is_the_age_of_the_oldest(scene):
    generation = await scene.activated()
    recorded = scene.events.record(*stream("product-1", ADDED, UNKNOWN, UNKNOWN))
    await scene.project(generation, recorded[:1])
    oldest = AT + timedelta(minutes=1) + RECORDED_AFTER
    assert await scene.progress.lag(NAME) > 0
    assert await scene.projections.lag(NAME) == (NOW - oldest).total_seconds()


async def test_event_store_away_when_asked_then_the_lag_is_unknown(scene):
    await scene.activated()
    scene.events.unavailable = True
    assert await scene.progress.lag(NAME) is None


async def test_parked_when_asked_then_it_is_counted_apart_from_lag(scene):
    generation = await scene.activated()
    await scene.project(generation, scene.events.record(*stream("product-1", ADDED, NEWER)))
    assert await scene.projections.status(NAME) == ProjectionStatus(NAME, 1, "live", 0.0, 1)
    (parked,) = await scene.projections.parked()
    assert parked.id == "product_catalogue:product-1"
    assert await scene.projections.request(parked.id, "discard", "why")
    (parked,) = await scene.projections.parked(NAME)
    assert (parked.request, parked.reason) == ("discard", "why")


@pytest.mark.parametrize("unknown", ["product_catalogue:product-9", "nothing:product-1", "x", ""])
async def test_nothing_parked_when_requested_then_the_answer_is_no(scene, unknown):
    await scene.activated()
    assert not await scene.projections.request(unknown, "retry")


async def test_document_at_version_when_asked_then_it_is_shown_before_the_checkpoint_says(scene):
    generation = await scene.activated()
    recorded = scene.events.record(*stream("product-1", ADDED, UNKNOWN))
    await scene.project(generation, recorded[:2], checkpoint=False)
    assert await scene.progress.shows(NAME, "product-1", 1, recorded[1].position, 0)
    assert not await scene.progress.shows(NAME, "product-1", 2, "9", 0)


async def test_checkpoint_beyond_when_asked_then_it_is_shown_without_a_document(scene):
    generation = await scene.activated()
    await scene.store.write(generation, _only(Checkpoint("all", STORE, "5")))
    assert await scene.progress.shows(NAME, "product-1", 0, "5", 0)
    assert not await scene.progress.shows(NAME, "product-1", 0, "6", 0)


async def test_position_not_known_when_asked_then_it_is_looked_up(scene):
    generation = await scene.activated()
    scene.events.record(*stream("product-1", ADDED), *stream("product-2", ADDED))
    await scene.store.write(
        generation, WriteBatch(checkpoints=[Checkpoint("all", STORE, "00000000000000000001")])
    )
    assert await scene.progress.shows(NAME, "product-1", 0, None, 0)
    assert not await scene.progress.shows(NAME, "product-2", 0, None, 0)


async def test_stream_of_another_category_when_asked_then_it_is_fresh_at_once(scene):
    assert await scene.progress.shows(NAME, "order-1", 3, "9", 0)


async def test_parked_stream_when_asked_then_it_is_stale_at_once_from_that_version_on(scene):
    generation = await scene.activated()
    recorded = scene.events.record(*stream("product-1", ADDED, NEWER, UNKNOWN))
    await scene.project(generation, recorded)
    async with asyncio.timeout(1):
        position = recorded[-1].position
        assert not await scene.progress.shows(NAME, "product-1", 2, position, 60)
        assert not await scene.progress.shows(NAME, "product-1", 1, position, 60)
        assert await scene.progress.shows(NAME, "product-1", 0, position, 60)


async def test_parked_later_when_each_event_has_its_document_then_earlier_ones_are_shown(scene):
    log = PROJECTORS["event_log"]
    generation = await scene.store.create_generation(log.document_type, fingerprint(log))
    await scene.store.activate(generation)
    good = stream("product-1", ADDED, UNKNOWN)
    recorded = scene.events.record(good[0], replace(good[1], metadata=b"{}"))
    engine = Engine(log, generation, scene.events, scene.store)
    await engine.process(recorded, Checkpoint("all", STORE, recorded[1].position))
    assert await scene.progress.shows("event_log", "product-1", 0, recorded[0].position, 0)
    assert not await scene.progress.shows("event_log", "product-1", 1, recorded[1].position, 0)


async def test_not_yet_shown_when_written_meanwhile_then_waiting_ends(scene):
    generation = await scene.activated()
    recorded = scene.events.record(*stream("product-1", ADDED))
    waiting = asyncio.create_task(
        scene.progress.shows(NAME, "product-1", 0, recorded[0].position, 60)
    )
    await asyncio.sleep(0)
    await scene.project(generation, recorded)
    async with asyncio.timeout(1):
        assert await waiting


async def test_written_while_looking_when_waiting_then_the_answer_comes_without_another_write(
    scene, monkeypatch
):
    """The longest turn would be long here: the write must not be missed."""
    monkeypatch.setattr(progress_module, "LONGEST_TURN", 60)
    generation = await scene.activated()
    recorded = scene.events.record(*stream("product-1", ADDED))
    parked, calls = scene.store.parked, iter(range(100))

    async def slowly(asked: Generation):
        if next(calls) == 1:
            scene.store.parked = parked
            await scene.project(generation, recorded)
            return []
        return await parked(asked)

    scene.store.parked = slowly
    async with asyncio.timeout(1):
        assert await scene.progress.shows(NAME, "product-1", 0, recorded[0].position, 60)


async def test_read_store_away_when_asked_then_it_is_stale(scene):
    scene.store.unavailable = True
    assert not await scene.progress.shows(NAME, "product-1", 0, "1", 0)


async def test_read_store_that_hung_when_asked_again_then_nothing_waits_for_that_look(
    scene, monkeypatch
):
    monkeypatch.setattr(progress_module, "LOOK_SECONDS", 0.01)
    generation = await scene.activated()
    recorded = scene.events.record(*stream("product-1", ADDED))
    await scene.project(generation, recorded)
    parked, never = scene.store.parked, asyncio.Event()

    async def hanging(_: Generation):
        await never.wait()

    scene.store.parked = hanging
    async with asyncio.timeout(1):
        assert not await scene.progress.shows(NAME, "product-1", 0, recorded[0].position, 0)
        scene.store.parked = parked
        monkeypatch.setattr(progress_module, "LOOK_SECONDS", 1)
        assert await scene.progress.shows(NAME, "product-1", 0, recorded[0].position, 0)


def _only(checkpoint: Checkpoint):
    return WriteBatch(checkpoints=(checkpoint,))
