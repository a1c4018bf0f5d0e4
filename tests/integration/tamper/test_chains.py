"""What the system itself does is chained: whichever way events come in, and after any restart."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.commands.inventory import ReceiveStock, ReserveStock
from contracts.errors import Refused
from event_store.chain import Chain, hash_of
from event_store.codec import encode
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from tests.integration.tamper.conftest import ORDER
from tests.integration.users.world import Crash, World
from tests.support.commands import SERVICE, Counting, Shop, Unsure, uid
from tests.support.tampering import assert_all_proven, change, rows, verify, verify_file
from tests.unit.contracts.samples import SAMPLES, metadata_of

STREAM = "stock-TEA"
RECEIVE = ReceiveStock(sku="TEA", quantity=100, location="main")


@pytest.fixture
async def store(tmp_path: Path):
    opened = await SqliteEventStore.open(tmp_path / "new.db")
    yield opened
    await opened.close()


async def test_aggregates_that_are_kept_in_memory_follow_the_hashes(store: SqliteEventStore):
    shop = Shop(store)
    await shop.handle(RECEIVE)
    await shop.stock.look_up("TEA")
    await shop.handle(RECEIVE)
    looked_up = await shop.stock.look_up("TEA")
    loaded = await shop.stock.load("TEA")
    (_, last) = await store.read_stream(STREAM)
    assert looked_up.last_hash == loaded.last_hash == hash_of(last.metadata)


@pytest.mark.parametrize("every", [1, 2, 3])
async def test_snapshots_carry_the_hash_over_a_restart(store: SqliteEventStore, every: int):
    for _ in range(7):
        await Shop(store, snapshot_every=every).handle(RECEIVE)
    snapshot = await store.load_snapshot(STREAM)
    assert snapshot is not None
    (event,) = await store.read_stream(STREAM, first=snapshot.version, last=snapshot.version)
    assert snapshot.hash == hash_of(event.metadata)
    await assert_all_proven(store)


async def test_no_command_reads_more_for_it(store: SqliteEventStore):
    shop = Shop(store, snapshot_every=3)
    for _ in range(6):
        await shop.handle(RECEIVE)
    reads: list[dict[str, object]] = []

    class Reads(Counting):
        async def read_stream(self, stream, **bounds):
            reads.append(bounds)
            return await self._store.read_stream(stream, **bounds)

    await Shop(Reads(store), snapshot_every=3).handle(RECEIVE)
    assert [bounds.get("first") for bounds in reads] == [6]


async def test_64_at_once_on_one_stream(store: SqliteEventStore):
    shop, other = Shop(store), Shop(store)
    await shop.handle(RECEIVE)

    async def reserve(number: int) -> None:
        command = ReserveStock(
            sku="TEA", order_id=uid(number), order_version=0, quantity=1 + number % 3
        )
        # The stock does not last for all of them.
        with suppress(Refused):
            await (shop, other)[number % 2].handle(command, SERVICE)

    await asyncio.gather(*(reserve(number) for number in range(64)))
    verified, findings = await verify(store)
    assert findings == []
    assert verified.proven == verified.events > 30


@pytest.mark.parametrize("written", [True, False])
async def test_an_append_of_unknown_outcome(store: SqliteEventStore, written: bool):
    await Shop(Unsure(store, written)).handle(RECEIVE)
    await Shop(store).handle(RECEIVE)
    await assert_all_proven(store)
    assert await store.stream_version(STREAM) == 1


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_claim_completed_after_a_crash(store: SqliteEventStore, after: int):
    with pytest.raises(Crash):
        await World(store).crashing(after).register("ada@example.com", key="k")
    world = World(store)
    await world.settle()
    answer = await world.register("ada@example.com", key="k")
    with pytest.raises(Crash):
        await world.crashing(1).change(answer.id, email="ada@example.org")
    await world.restarted().settle()
    assert await world.can_sign_in("ada@example.org") == answer.id
    await world.change(answer.id, email="ada@example.com")
    await world.settle()
    await assert_all_proven(store)
    categories = {event.stream.partition("-")[0] for event in (await store.read_all()).events}
    assert categories == {"user", "credential", "email", "session"}


async def old_events(store: SqliteEventStore, stream: str, count: int) -> None:
    """Events as they were before there were hashes."""
    for _ in range(count):
        event = SAMPLES["StockReceived"]
        new = encode(event, metadata_of(event), uuid4())
        await store.append(stream, [new], expected=StreamState.ANY)


async def test_a_stream_that_began_without_hashes_goes_on_with_them(store: SqliteEventStore):
    await old_events(store, STREAM, 3)
    await Shop(store).handle(RECEIVE)
    await Shop(store).handle(RECEIVE)
    for stream in (None, STREAM):
        verified, findings = await verify(store, stream=stream)
        assert findings == []
        assert (verified.unchained, verified.proven) == (3, 2)


async def test_an_event_without_a_hash_after_the_first_with_one_is_found(store: SqliteEventStore):
    await old_events(store, "stock-OLD", 2)
    await Shop(store).handle(RECEIVE)
    await old_events(store, "stock-OLD", 1)
    await old_events(store, STREAM, 1)
    await Shop(store).handle(RECEIVE)
    verified, findings = await verify(store)
    assert [(f.stream, f.version, f.fault) for f in findings] == [
        ("stock-OLD", 2, "unhashed"),
        (STREAM, 1, "unhashed"),
    ]
    assert (verified.unchained, verified.proven) == (2, 2)


async def test_events_of_before_that_are_missing_are_named(store: SqliteEventStore, tmp_path: Path):
    await old_events(store, STREAM, 4)
    change(tmp_path / "new.db", "DELETE FROM events WHERE version = 1")
    _, findings = await verify(store)
    assert [(f.version, f.fault) for f in findings] == [(1, "missing")]


async def test_while_others_write_only_what_was_there_is_checked(path: Path):
    store = await SqliteEventStore.open(path)
    shop = Shop(store)
    writing = asyncio.create_task(write(shop))
    for _ in range(20):
        _, findings = await verify(store)
        assert findings == []
    writing.cancel()
    await asyncio.wait([writing])
    await store.close()


async def write(shop: Shop) -> None:
    while True:
        await shop.handle(RECEIVE)


async def test_a_wrong_key_proves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.support.tampering.CHAIN", Chain(b"another"))
    findings = await verify_file(path)
    ((events,),) = rows(path, "SELECT count(*) FROM events")
    assert len(findings) == events
    ((metadata,),) = rows(
        path, "SELECT metadata FROM events WHERE stream = ? AND version = 0", ORDER
    )
    assert len(json.loads(metadata)["hash"]) == 43
