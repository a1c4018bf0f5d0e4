"""A shop with an event store for each context, in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootstrap.container import open_container
from bootstrap.settings import Settings
from contracts.commands.sales import AddItem, CancelOrder, ConfirmOrder
from contracts.documents import EVENT_LOG
from contracts.registry import CATEGORIES, CONTEXTS, PUBLISHED, category_of
from event_store.composite import parts_of
from event_store.sqlite import SqliteEventStore
from read_side.port import Search
from read_side.sqlite import SqliteReadStore
from tests.end_to_end.documents import all_documents, built_from
from tests.integration.audit.world import TEA, World, opened, reopened
from tests.integration.contexts.conftest import BY_CONTEXT
from tests.support.commands import ADA, AUDITOR, asked, create_order, uid


async def stored(data: Path) -> dict[str, list[Any]]:
    """What is in each file, by context."""
    found: dict[str, list[Any]] = {}
    for context in CONTEXTS:
        store = await SqliteEventStore.open(data / f"events-{context}.db")
        found[context] = list((await store.read_all(limit=10_000)).events)
        await store.close()
    return found


async def indexed(world: World) -> list[dict[str, Any]]:
    page = await world.container.documents.search(
        EVENT_LOG.name, Search((), sort="recorded_at", limit=1_000)
    )
    return list(page.documents)


async def reserved(world: World) -> int:
    return (await world.get("/api/stock/TEA")).json()["reserved"]


async def test_order_when_placed_then_every_event_is_in_its_contexts_store_and_shown_by_its_own(
    data,
):
    async with opened(data, **BY_CONTEXT) as world:
        await world.order(1, TEA)
        await world.do(ConfirmOrder(order_id=uid(1)), ADA)
        await world.settled()
        assert await reserved(world) == 2
        shown = await indexed(world)
        identities = parts_of(await world.container.events.identity())
    assert not (data / "events.db").exists()
    found = await stored(data)
    for context, events in found.items():
        assert {CATEGORIES[category_of(it.stream)].context for it in events} == {context}
    published = {
        str(event.id): (identities[context], event.position)
        for context, events in found.items()
        for event in events
        if category_of(event.stream) in PUBLISHED
    }
    assert {it["event_id"]: (it["store"], it["position"]) for it in shown} == published


async def test_token_when_of_one_store_then_the_read_model_of_it_is_waited_for(data):
    async with opened(data, **BY_CONTEXT) as world:
        for number in range(1, 6):
            await world.order(number, TEA)
            answer = await world.get(f"/api/orders/{uid(number)}", ADA)
            assert (answer.status_code, answer.headers["read-model"]) == (200, "fresh")
        identities = parts_of(world.container.store_identity)
        token = world.container.consistency_tokens.decode(world.token)
        assert token.store == identities["sales"] != identities["users"]


async def test_audit_when_an_order_led_to_stock_in_another_store_then_it_is_one_tree(data):
    async with opened(data, **BY_CONTEXT) as world:
        await world.order(1, TEA)
        await world.settled()
        [created] = await world.items(f"/api/orders/{uid(1)}/history", AUDITOR)
        answer = await world.get(f"/api/audit/events/{created['event_id']}/consequences", AUDITOR)
        [effect] = answer.json()["consequences"]
        assert (effect["stream"], effect["causation_id"]) == ("stock-TEA", created["event_id"])
        events = await world.items("/api/audit/events", AUDITOR, limit=3)
        recorded = [it["recorded_at"] for it in events]
        assert recorded == sorted(recorded)
        assert len({it["event_id"] for it in events}) == len(events) == len(await indexed(world))


async def test_policy_when_the_process_ended_between_two_stores_then_the_next_one_goes_on(data):
    async with opened(data, **BY_CONTEXT):
        pass
    settings = Settings(_env_file=None, data=data, **BY_CONTEXT)
    async with open_container(settings) as container:  # No policy runs: as if killed at once.
        await container.bus.handle(create_order(7, TEA, quantity=3), asked(ADA))
    assert uid(7) not in str([it.data for it in (await stored(data))["inventory"]])
    async with reopened(data, **BY_CONTEXT) as world:
        await world.settled()
        assert await reserved(world) == 3


async def test_policy_when_its_checkpoint_was_lost_then_nothing_is_done_twice(data):
    async with opened(data, **BY_CONTEXT) as world:
        await world.order(1, TEA)
        await world.do(AddItem(order_id=uid(1), product_id=TEA, quantity=1), ADA)
        await world.do(CancelOrder(order_id=uid(1), reason="no more"), ADA)
        await world.order(2, TEA)
        await world.settled()
    before = await stored(data)
    sales = await SqliteEventStore.open(data / "events-sales.db")
    await sales.save_checkpoint("soft-reservation", before["sales"][0].position)
    await sales.close()
    async with reopened(data, **BY_CONTEXT) as world:
        await world.settled()
        assert await reserved(world) == 2
    assert await stored(data) == before


async def test_read_models_when_restarted_then_they_are_those_built_anew(data, tmp_path):
    async with opened(data, **BY_CONTEXT) as world:
        await world.order(1, TEA)
        await world.settled()
    async with reopened(data, **BY_CONTEXT) as world:
        await world.order(2, TEA)
        await world.do(ConfirmOrder(order_id=uid(2)), ADA)
        await world.settled()
        generations = await world.container.documents.generations(EVENT_LOG.name)
        assert [it.number for it in generations] == [1]
        anew = await SqliteReadStore.open(tmp_path / "anew")
        try:
            built = await built_from(world.container.events, anew)
        finally:
            await anew.close()
        assert await all_documents(world.container.documents) == built
