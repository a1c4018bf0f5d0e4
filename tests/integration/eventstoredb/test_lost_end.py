"""The end of a store is lost while readers live: what takes its place is shown all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bootstrap.kafka import number_of as number_in
from contracts.registry import CONTEXTS, PUBLISHED
from event_store.composite import parts_of
from event_store.dev_server.server import running_server
from event_store.errors import InvalidPosition
from event_store.eventstoredb import EventStoreDBStore
from event_store.eventstoredb import identity as identity_module
from event_store.kafka import reading
from event_store.kafka.envelope import published_of
from event_store.kafka.reading import Batch, EventReader
from event_store.kafka.topics import Topics
from event_store.merged import MergedEventStore
from event_store.port import EventStore, Position, StreamState
from event_store.positions import number_of, position_of
from event_store.tasks import stop
from projections.catalogue import PROJECTORS
from projections.partitioned import PartitionedRunner
from read_side.port import Search
from read_side.sqlite import SqliteReadStore
from tests.contract.event_store.support import event, some
from tests.integration.projections.shop import PRODUCT
from tests.support.eventstoredb import free_port
from tests.support.projections import new_event

NAME = "product_catalogue"
TOPICS = Topics(counts=dict.fromkeys(PUBLISHED, 2))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(reading, "_LOOK_SECONDS", 0.05)


@asynccontextmanager
async def relayed(events: EventStore, documents: SqliteReadStore) -> AsyncIterator[None]:
    """A relay's reader and a worker, with nothing in between."""
    runner = PartitionedRunner(events, documents, [PROJECTORS[NAME]], number_in, poll_seconds=0.02)

    async def put(batch: Batch) -> None:
        await runner.handle([published_of(it.value, it.headers, TOPICS) for it in batch.records])
        runner.published(batch.mark)

    await runner.start()
    await runner.own(frozenset(TOPICS.partitions_of("product")))
    relaying = asyncio.create_task(EventReader(events, TOPICS, None).run(put))
    try:
        yield
    finally:
        await stop(relaying)
        await runner.stop()


async def until_shown(documents: SqliteReadStore, ids: set[str]) -> None:
    shown: set[str] = set()
    try:
        async with asyncio.timeout(20):
            while shown != ids:
                await asyncio.sleep(0.02)  # nothing tells of it
                found = await documents.search(NAME, Search(limit=100))
                shown = {it["id"] for it in found.documents}
    except TimeoutError:
        raise AssertionError(f"{shown} are shown") from None


async def add(store: EventStore, product: str) -> Position:
    new = new_event(f"product-{product}", 0, PRODUCT)
    return (await store.append(f"product-{product}", [new], expected=-1)).position


@pytest.mark.parametrize("apart", [False, True])
async def test_end_when_lost_and_its_positions_given_to_others_then_all_is_shown(
    tmp_path: Path, apart: bool
):
    port, file, older = free_port(), tmp_path / "a" / "events.db", tmp_path / "older.db"
    async with AsyncExitStack() as stack:
        documents = await SqliteReadStore.open(tmp_path / "read")
        stack.push_async_callback(documents.close)
        store = await EventStoreDBStore.open(f"esdb://127.0.0.1:{port}?Tls=false")
        events: EventStore = store
        if apart:
            server = await stack.enter_async_context(running_server(tmp_path / "b" / "events.db"))
            other = await EventStoreDBStore.open(server.uri)
            stores = dict.fromkeys(CONTEXTS, other)
            events = MergedEventStore({**stores, "sales": store})
        stack.push_async_callback(events.close)
        async with running_server(file, port=port):
            await events.identity()
            await add(store, "kept")
        older.write_bytes(file.read_bytes())
        await stack.enter_async_context(relayed(events, documents))
        async with running_server(file, port=port):
            lost = [await add(store, f"lost-{number}") for number in range(5)]
            await until_shown(documents, {"kept", *(f"lost-{number}" for number in range(5))})
            before = await events.identity()
        file.write_bytes(older.read_bytes())
        async with running_server(file, port=port):
            new = [await add(store, f"new-{number}") for number in range(2)]
            assert new == lost[:2]
            await until_shown(documents, {"kept", "new-0", "new-1"})
            await add(store, "newer")
            await until_shown(documents, {"kept", "new-0", "new-1", "newer"})
            assert renewed(before, await events.identity()) == ({"sales"} if apart else {""})


def renewed(before: str, after: str) -> set[str]:
    """The parts that have other identities."""
    old: Mapping[str, str] = parts_of(before) or {"": before}
    new: Mapping[str, str] = parts_of(after) or {"": after}
    return {name for name in old if old[name] != new[name]}


async def test_position_of_the_servers_own_event_when_read_after_then_nothing_is_lost(
    tmp_path: Path,
):
    async with running_server(tmp_path / "events.db") as server:
        store = await EventStoreDBStore.open(server.uri)
        await store.append("order-1", some(2), expected=-1)
        before = await store.identity()
        await store._client.keep_newest_only("order-2")
        end = position_of(await store._client.head(any_event=True))
        assert end > await store.head()
        assert (await store.read_all(after=end)).position == end
        assert not await store.renew_where_lost(before, end)
        await store.append("order-1", [event()], expected=StreamState.ANY)
        assert len((await store.read_all(after=end)).events) == 1
        assert await store.identity() == before
        await store.close()


async def test_identity_when_another_renewed_it_or_the_leader_is_further_then_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with running_server(tmp_path / "events.db") as server:
        store = await EventStoreDBStore.open(server.uri)
        other = await EventStoreDBStore.open(server.uri)
        known = await store.identity()
        end = (await store.append("order-1", some(2), expected=-1)).position
        beyond = position_of(number_of(end) + 100)
        assert await other.renew_where_lost(known, beyond)
        renewed_to = await other.identity()
        assert await store.renew_where_lost(known, beyond)
        assert await store.identity() == renewed_to != known

        async def behind(**_: object) -> int:
            return 0

        monkeypatch.setattr(store._client, "head", behind)
        with pytest.raises(InvalidPosition):
            await store.read_all(after=end)
        assert not await store.renew_where_lost(renewed_to, end)
        await other.close()
        await store.close()
