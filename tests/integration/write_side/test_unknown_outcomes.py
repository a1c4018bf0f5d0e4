"""Appends whose answer is lost: whatever happened, the command is applied exactly once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import write_side.kernel.appending as appending
from contracts.commands.inventory import ReceiveStock
from contracts.errors import Unavailable
from event_store.errors import EventStoreReadOnly, EventStoreUnavailable
from event_store.port import WholeEventStore
from tests.support.commands import Shop, Unsure

RECEIVE = ReceiveStock(sku="TEA", quantity=1, location="main")
STREAM = "stock-TEA"
WRITTEN, LOST = True, False


def away() -> Exception:
    return EventStoreUnavailable("away")


Plan = bool | Callable[[], Exception]


@pytest.mark.parametrize(
    "plans",
    [
        (WRITTEN,),
        (LOST,),
        (WRITTEN, WRITTEN),
        (LOST, WRITTEN, LOST),
        (LOST, LOST, LOST),
        (WRITTEN, away),
        (LOST, away, away),
    ],
)
@pytest.mark.parametrize("earlier", [0, 1, 3])
async def test_it_is_applied_exactly_once(
    store: WholeEventStore, plans: tuple[Plan, ...], earlier: int
):
    for _ in range(earlier):
        await Shop(store).handle(RECEIVE)
    unsure = Unsure(store, *plans)
    answer = await Shop(unsure).handle(RECEIVE)
    assert unsure.plans == []
    assert answer.version == earlier
    recorded = await store.read_stream(STREAM)
    assert len(recorded) == earlier + 1
    assert answer.position == recorded[-1].position


async def test_written_and_then_overtaken_it_still_counts_once(store: WholeEventStore):
    class Overtaken(Unsure):
        async def append(self, stream, events, *, expected):
            if not self.plans:
                await Shop(store).handle(RECEIVE)
            return await super().append(stream, events, expected=expected)

    answer = await Shop(Overtaken(store, WRITTEN)).handle(RECEIVE)
    assert answer.version == 0
    assert await store.stream_version(STREAM) == 1


async def test_lost_and_then_overtaken_it_is_decided_again(store: WholeEventStore):
    class Overtaken(Unsure):
        overtaken = False

        async def append(self, stream, events, *, expected):
            if not self.plans and not self.overtaken:
                self.overtaken = True
                await Shop(store).handle(RECEIVE)
            return await super().append(stream, events, expected=expected)

    answer = await Shop(Overtaken(store, LOST)).handle(RECEIVE)
    assert answer.version == 1
    assert await store.stream_version(STREAM) == 1


@pytest.mark.parametrize("written", [WRITTEN, LOST])
async def test_still_unknown_at_the_deadline_it_says_so_and_the_key_finds_out(
    store: WholeEventStore, monkeypatch: pytest.MonkeyPatch, written: bool
):
    monkeypatch.setattr(appending, "_DEADLINE_SECONDS", 0.05)
    shop = Shop(Unsure(store, *[written] * 1000))
    with pytest.raises(Unavailable, match="not known"):
        await shop.handle(RECEIVE, key="k")
    assert (await store.stream_version(STREAM)) == (0 if written else -1)
    answer = await Shop(store).handle(RECEIVE, key="k")
    assert answer.version == 0
    assert len(await store.read_stream(STREAM)) == 1


async def test_a_store_that_broke_meanwhile_leaves_it_unknown_too(store: WholeEventStore):
    shop = Shop(Unsure(store, WRITTEN, lambda: EventStoreReadOnly("read only now")))
    with pytest.raises(Unavailable, match="not known"):
        await shop.handle(RECEIVE)


async def test_a_store_that_is_away_from_the_start_wrote_nothing(store: WholeEventStore):
    with pytest.raises(Unavailable, match="can't do it now"):
        await Shop(Unsure(store, away)).handle(RECEIVE)
    assert await store.stream_version(STREAM) == -1
