"""The engine: repeats, gaps, parked streams, requests, conflicts, errors of the stores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from contracts.events.base import Event
from contracts.events.sales import ProductAdded, ProductDiscontinued, ProductPriceChanged
from contracts.values import Money
from event_store.errors import EventStoreUnavailable
from event_store.port import RecordedEvent
from projections import engine as engine_module
from projections.engine import Engine
from projections.event_log import EventLog
from projections.product_catalogue import ProductCatalogue
from projections.projector import Context
from read_side.port import (
    Checkpoint,
    Discard,
    Generation,
    Put,
    ReadStoreUnavailable,
    WriteBatch,
    WriteConflict,
)
from tests.support.aggregates import AT, happened
from tests.support.projections import STORE, stored, stream
from tests.unit.projections.fakes import MemoryEventStore, MemoryProjectionStore


def added(name: str = "Tea") -> Any:
    return happened(ProductAdded, name=name, description="", price=Money(Decimal("1.00"), "EUR"))


def priced(euros: int) -> Any:
    return happened(ProductPriceChanged, price=Money(Decimal(euros), "EUR"))


DISCONTINUED = happened(ProductDiscontinued)
NEWER = stored("ProductPriceChanged", schema_version=2, amount="12")
MALFORMED = stored("ProductPriceChanged", price="free")


class Fragile(ProductCatalogue):
    """Can't bear discontinued products, until it is mended."""

    broken = True

    def project(self, document: Any, event: Event | None, context: Context) -> Any:
        if self.broken and isinstance(event, ProductDiscontinued):
            raise RuntimeError("cannot discontinue")
        return super().project(document, event, context)


@dataclass
class World:
    """An engine between two stores in memory."""

    projector: Any
    events: MemoryEventStore
    store: MemoryProjectionStore
    generation: Generation

    def engine(self) -> Engine:
        return Engine(self.projector, self.generation, self.events, self.store, now=lambda: AT)

    async def project(self, *streams: list[RecordedEvent]) -> list[RecordedEvent]:
        """Record the streams, then project them in one batch."""
        recorded = self.events.record(*(event for one in streams for event in one))
        await self.process(recorded)
        return recorded

    async def process(self, recorded: list[RecordedEvent]) -> None:
        await self.engine().process(recorded, Checkpoint("all", STORE, recorded[-1].position))

    async def clean_build(self) -> dict[str, Any]:
        """What a new generation makes of all events."""
        other = await world(self.projector)
        await other.project((await self.events.read_all()).events)
        assert not await other.parked()
        return other.documents()

    async def parked(self) -> dict[str, int]:
        return {it.stream: it.version for it in await self.store.parked(self.generation)}

    async def request(self, request: str, stream: str, reason: str | None = None) -> None:
        assert await self.store.request(self.generation, stream, request, reason)
        await self.engine().carry_out_requests()

    def documents(self) -> dict[str, Any]:
        return self.store.documents(self.generation)

    async def checkpoint(self) -> str:
        return (await self.store.checkpoints(self.generation))["all"].position


async def world(projector: Any) -> World:
    store = MemoryProjectionStore()
    generation = await store.create_generation(projector.document_type, "f")
    return World(projector, MemoryEventStore(), store, generation)


@pytest.fixture
async def products() -> World:
    return await world(ProductCatalogue())


@pytest.fixture
async def fragile() -> World:
    return await world(Fragile())


# ------------------------------------------------------------ batches


async def test_batch_when_processed_then_documents_and_checkpoint_are_one_write(products):
    recorded = await products.project(stream("product-1", added(), priced(2)))
    (batch,) = products.store.batches
    assert [put.key for put in batch.puts] == ["1"]
    assert batch.checkpoints == (Checkpoint("all", STORE, recorded[-1].position),)
    assert products.documents()["1"]["price"]["minor"] == 200


async def test_batch_when_repeated_then_only_the_checkpoint_is_written(products):
    recorded = await products.project(stream("product-1", added(), priced(2)))
    await products.process(recorded)
    assert products.store.batches[-1].puts == []


async def test_other_categories_when_processed_then_they_are_passed_over(products):
    await products.project(stream("order-1", added()), stream("credential-1", added()))
    assert products.documents() == {}
    assert await products.checkpoint() == "00000000000000000002"


async def test_no_events_when_processed_then_the_checkpoint_still_moves(products):
    await products.engine().process([], Checkpoint("all", STORE, "7"))
    assert await products.checkpoint() == "7"


async def test_unknown_type_when_processed_then_its_version_counts(products):
    await products.project(stream("product-1", added(), stored("Unheard", 9, a=1), priced(3)))
    assert products.documents()["1"]["price"]["minor"] == 300
    assert products.store.streams(products.generation) == {"1": {"product-1": 2}}
    assert products.events.stream_reads == []


async def test_gap_when_seen_then_it_is_filled_from_the_event_store(products):
    recorded = products.events.record(
        *stream("product-1", added(), priced(2), happened(ProductDiscontinued), priced(4))
    )
    await products.process(recorded[3:])
    assert products.events.stream_reads == [("product-1", 0, 2)]
    assert products.documents()["1"]["status"] == "discontinued"
    assert products.documents() == await products.clean_build()


async def test_gap_when_it_cannot_be_read_yet_then_nothing_is_written(products):
    with pytest.raises(EventStoreUnavailable):
        await products.process(stream("product-1", priced(2), first=1))
    assert products.store.batches == []


async def truncated(products: World, *, shown: int, until: int) -> list[RecordedEvent]:
    """Show the first events, let the store lose all before `until`, then project the rest."""
    recorded = products.events.record(
        *stream("product-1", added(), *(priced(euros) for euros in range(1, 6))),
        *stream("product-2", added()),
    )
    if shown:
        await products.process(recorded[:shown])
    products.events.truncate("product-1", before=until)
    await products.process([e for e in recorded[5:] if e.version >= until or e.version == 0])
    return recorded


async def test_gap_when_it_was_truncated_then_its_stream_is_parked_and_others_flow(products):
    await truncated(products, shown=2, until=4)
    (parked,) = await products.store.parked(products.generation)
    assert (parked.stream, parked.version) == ("product-1", 2)
    assert parked.error.startswith("EventsGone: events 2 to 3 of the stream are gone")
    documents = products.documents()
    assert documents["1"]["price"]["minor"] == 100
    assert "2" in documents


async def test_truncated_when_retried_then_it_stays_parked(products):
    await truncated(products, shown=2, until=4)
    await products.request("retry", "product-1")
    assert await products.parked() == {"product-1": 2}


@pytest.mark.parametrize(("shown", "missing"), [(2, 2), (0, 0)])
async def test_truncated_when_discarded_then_the_rest_is_shown(products, shown, missing):
    recorded = await truncated(products, shown=shown, until=4)
    assert await products.parked() == {"product-1": missing}
    await products.request("discard", "product-1", "retention")
    assert await products.parked() == {}
    assert products.store.streams(products.generation)["1"] == {"product-1": 5}
    if shown:
        assert products.documents()["1"]["price"]["minor"] == 500
    else:
        assert "1" not in products.documents()  # Its beginning is gone: nothing to show.
    await products.process(recorded[5:])
    assert await products.parked() == {}


async def test_end_of_a_gap_when_it_cannot_be_read_yet_then_it_is_waited_for(products):
    recorded = products.events.record(*stream("product-1", added(), priced(2), priced(3)))
    products.events.lose(2)
    with pytest.raises(EventStoreUnavailable):
        await products.process(recorded[2:])
    assert products.store.batches == []


async def test_conflict_when_writing_then_the_batch_is_projected_again(products):
    recorded = products.events.record(*stream("product-1", added(), priced(2)))
    write = products.store.write

    async def overtaken(generation: Generation, batch: WriteBatch) -> None:
        """Another worker writes the first event's document just before."""
        products.store.write = write
        other = Engine(products.projector, generation, products.events, products.store)
        await other.process(recorded[:1])
        await write(generation, batch)

    products.store.write = overtaken
    await products.process(recorded)
    assert products.documents() == await products.clean_build()
    assert products.store.streams(products.generation) == {"1": {"product-1": 1}}


async def test_conflict_when_it_never_ends_then_it_is_raised(products):
    async def always(generation: Generation, batch: WriteBatch) -> None:
        raise WriteConflict(["1"])

    products.store.write = always
    with pytest.raises(WriteConflict):
        await products.project(stream("product-1", added()))


@pytest.mark.parametrize(
    ("away", "error"), [("events", EventStoreUnavailable), ("store", ReadStoreUnavailable)]
)
async def test_store_away_when_processing_then_nothing_is_parked_and_a_repeat_succeeds(
    products, away, error
):
    recorded = products.events.record(*stream("product-1", added()))
    getattr(products, away).unavailable = True
    with pytest.raises(error):
        await products.process(recorded)
    getattr(products, away).unavailable = False
    await products.process(recorded)
    assert await products.parked() == {}
    assert products.documents() == await products.clean_build()


# ------------------------------------------------------------ parking


@pytest.mark.parametrize(
    ("poison", "says"),
    [
        (DISCONTINUED, "RuntimeError: cannot discontinue"),
        (NEWER, "NewerSchemaVersion"),
        (MALFORMED, "MalformedEvent"),
    ],
)
async def test_poison_when_processed_then_its_stream_is_parked_and_others_flow(
    fragile, poison, says
):
    recorded = await fragile.project(
        stream("product-1", added(), poison, priced(9)), stream("product-2", added(), priced(5))
    )
    (parked,) = await fragile.store.parked(fragile.generation)
    assert (parked.id, parked.version) == ("product_catalogue:product-1", 1)
    assert parked.event_id == recorded[1].id
    assert parked.error.startswith(says)
    assert len(fragile.store.batches) == 1
    assert fragile.documents()["1"]["version"] == 0
    assert fragile.documents()["2"]["price"]["minor"] == 500
    assert await fragile.checkpoint() == recorded[-1].position


async def test_parked_when_later_events_come_then_they_queue_behind_it(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED))
    later = stream("product-1", priced(9), first=2)
    await fragile.project(later, stream("product-2", added()))
    assert fragile.documents()["1"]["version"] == 0
    assert fragile.documents()["2"]["version"] == 0
    assert await fragile.parked() == {"product-1": 1}


async def test_parked_when_mended_and_retried_then_it_equals_a_clean_build(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED))
    await fragile.project(stream("product-1", priced(9), first=2), stream("product-2", added()))
    fragile.projector.broken = False
    await fragile.request("retry", "product-1")
    assert await fragile.parked() == {}
    assert fragile.documents() == await fragile.clean_build()
    await fragile.project(stream("product-1", priced(10), first=3))
    assert fragile.documents()["1"]["price"]["minor"] == 1000


async def test_parked_when_retried_in_pages_then_it_equals_a_clean_build(fragile, monkeypatch):
    monkeypatch.setattr(engine_module, "PAGE", 2)
    await fragile.project(stream("product-1", added(), DISCONTINUED, *map(priced, range(5))))
    fragile.projector.broken = False
    await fragile.request("retry", "product-1")
    assert await fragile.parked() == {}
    assert fragile.documents() == await fragile.clean_build()


async def test_parked_when_retried_unmended_then_it_is_parked_again_without_request(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED))
    await fragile.request("retry", "product-1")
    (parked,) = await fragile.store.parked(fragile.generation)
    assert (parked.version, parked.request) == (1, None)


async def test_parked_when_a_later_event_fails_too_then_it_is_parked_there(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED, priced(2), NEWER, priced(3)))
    fragile.projector.broken = False
    await fragile.request("retry", "product-1")
    assert await fragile.parked() == {"product-1": 3}
    assert fragile.documents()["1"]["price"]["minor"] == 200


async def test_parked_when_nothing_is_asked_then_it_stays(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED))
    fragile.projector.broken = False
    await fragile.engine().carry_out_requests()
    assert await fragile.parked() == {"product-1": 1}


async def test_parked_when_its_event_comes_again_then_nothing_changes(fragile):
    recorded = await fragile.project(stream("product-1", added(), DISCONTINUED, priced(2)))
    fragile.projector.broken = False
    await fragile.process(recorded)
    assert await fragile.parked() == {"product-1": 1}
    assert fragile.documents()["1"]["version"] == 0


async def test_parked_when_discarded_then_later_events_are_shown_without_it(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED, priced(7)))
    await fragile.request("discard", "product-1", "sold out anyway")
    assert await fragile.parked() == {}
    assert fragile.documents()["1"]["price"]["minor"] == 700
    assert fragile.documents()["1"]["status"] == "active"
    assert fragile.store.streams(fragile.generation) == {"1": {"product-1": 2}}
    assert await fragile.store.discards("product_catalogue") == [
        Discard("product_catalogue", "product-1", 1, "sold out anyway")
    ]


async def test_discarded_when_another_generation_is_built_then_it_is_left_out_there_too(fragile):
    recorded = await fragile.project(stream("product-1", added(), DISCONTINUED, priced(7)))
    await fragile.request("discard", "product-1")
    fragile.projector.broken = False
    before = fragile.documents()
    fragile.generation = await fragile.store.create_generation(fragile.projector.document_type, "f")
    await fragile.process(recorded)
    assert fragile.documents() == before


async def test_discarded_meanwhile_when_it_fails_then_it_is_not_parked(fragile):
    engine = fragile.engine()
    recorded = fragile.events.record(*stream("product-1", added(), DISCONTINUED, priced(7)))
    await engine.process(recorded[:1])
    await fragile.store.discard(Discard("product_catalogue", "product-1", 1, "known to be bad"))
    await engine.process(recorded[1:])
    assert await fragile.parked() == {}
    assert fragile.documents()["1"]["price"]["minor"] == 700


async def test_beginning_discarded_when_more_comes_then_there_is_just_nothing_to_show(products):
    broken = stored("ProductAdded", schema_version=99)
    await products.project(stream("product-1", broken, priced(2)))
    await products.request("discard", "product-1")
    await products.project(stream("product-1", priced(3), first=2))
    assert await products.parked() == {}
    assert products.documents() == {}
    assert products.store.streams(products.generation) == {"1": {"product-1": 2}}


async def test_refused_document_when_written_then_only_its_stream_is_parked(products):
    products.store.refuse = {"2"}
    names = ("1", "2", "3", "4", "5")
    recorded = await products.project(*(stream(f"product-{n}", added(), priced(2)) for n in names))
    assert await products.parked() == {"product-2": 0}
    assert set(products.documents()) == {"1", "3", "4", "5"}
    assert await products.checkpoint() == recorded[-1].position
    products.store.refuse = set()
    await products.request("retry", "product-2")
    assert products.documents() == await products.clean_build()


async def test_refused_document_when_retried_then_it_stays_parked(products):
    products.store.refuse = {"2"}
    await products.project(stream("product-2", added(), priced(2), priced(3)))
    await products.request("retry", "product-2")
    assert await products.parked() == {"product-2": 0}
    assert products.documents() == {}


async def test_metadata_unreadable_when_logged_then_the_stream_is_parked_and_retried_whole():
    log = await world(EventLog())
    good = stream("product-1", added(), priced(2), priced(3))
    bad = [good[0], replace(good[1], metadata=b"{}"), good[2]]
    log.events.record(*good)
    await log.process([replace(e, position="1") for e in bad])
    assert await log.parked() == {"product-1": 1}
    assert len(log.documents()) == 1
    await log.request("retry", "product-1")
    assert await log.parked() == {}
    assert set(log.documents()) == {str(event.id) for event in good}


@pytest.mark.parametrize("page", [1, 500])
async def test_documents_per_event_when_one_is_refused_again_then_none_after_it_is_shown(
    monkeypatch, page
):
    """No gap would be seen between them, so the retry itself has to stop."""
    monkeypatch.setattr(engine_module, "PAGE", page)
    log = await world(EventLog())
    events = stream("product-1", added(), priced(2), priced(3))
    log.store.refuse = {str(events[1].id)}
    await log.project(events)
    await log.request("retry", "product-1")
    assert await log.parked() == {"product-1": 1}
    assert set(log.documents()) == {str(events[0].id)}


async def test_retry_when_interrupted_between_pages_then_the_stream_stays_parked(
    fragile, monkeypatch
):
    monkeypatch.setattr(engine_module, "PAGE", 2)
    await fragile.project(stream("product-1", added(), DISCONTINUED, *map(priced, range(5))))
    fragile.projector.broken = False
    await fragile.store.request(fragile.generation, "product-1", "retry", None)
    fragile.store.losing_answers = True
    with pytest.raises(ReadStoreUnavailable):
        await fragile.engine().carry_out_requests()
    assert await fragile.parked() == {"product-1": 1}
    fragile.store.losing_answers = False
    await fragile.engine().carry_out_requests()
    assert await fragile.parked() == {}
    assert fragile.documents() == await fragile.clean_build()


async def test_retry_when_its_answer_is_lost_then_the_same_engine_knows_that_it_flows(fragile):
    await fragile.project(stream("product-1", added(), DISCONTINUED))
    fragile.projector.broken = False
    await fragile.store.request(fragile.generation, "product-1", "retry", None)
    engine = fragile.engine()
    fragile.store.losing_answers = True
    with pytest.raises(ReadStoreUnavailable):
        await engine.carry_out_requests()
    fragile.store.losing_answers = False
    await engine.process(fragile.events.record(*stream("product-1", priced(9), first=2)))
    assert fragile.documents()["1"]["price"]["minor"] == 900


async def test_put_keeps_the_revision_it_was_read_at(products):
    await products.project(stream("product-1", added()))
    await products.project(stream("product-1", priced(2), first=1))
    assert [batch.puts[0].revision for batch in products.store.batches] == [None, 1]
    assert isinstance(products.store.batches[0].puts[0], Put)
