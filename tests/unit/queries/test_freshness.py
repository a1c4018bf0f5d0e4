import asyncio

import pytest

from read_side.freshness import Freshness, Write
from tests.support.read_models import FakeProjections

WRITE = Write("store", "order-1", 3, "0007")


class Documents:
    """Records what is refreshed."""

    def __init__(self) -> None:
        self.refreshed: list[str] = []

    async def refresh(self, projection: str) -> None:
        self.refreshed.append(projection)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def projections() -> FakeProjections:
    return FakeProjections()


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def freshness(projections, documents, clock) -> Freshness:
    return Freshness(projections, documents, wait_seconds=2.0, clock=clock)


async def ask(freshness, *names, write=None, searching=True):
    return await freshness.behind(names or ("order_details",), write, searching=searching)


@pytest.mark.parametrize(
    ("lag", "expected"), [(0.0, None), (1.0, None), (1.01, 1.01), (90.0, 90.0)]
)
async def test_no_token_when_lagging_then_stale_from_one_second(
    freshness, projections, lag, expected
):
    projections.lags["order_details"] = lag
    assert await ask(freshness) == expected


async def test_join_when_one_lags_then_stale(freshness, projections):
    projections.lags["customers"] = 5.0
    assert await ask(freshness) is None
    assert await ask(freshness, "order_details", "customers") == 5.0


async def test_no_token_when_lag_unknown_then_stale_and_growing(freshness, projections, clock):
    assert await ask(freshness) is None
    projections.lags["order_details"] = None
    clock.now += 30
    assert await ask(freshness) == 30.0


async def test_no_token_when_never_known_then_stale_at_once(freshness, projections):
    projections.lags["order_details"] = None
    assert await ask(freshness) > 1


async def test_no_token_when_measured_just_now_then_not_measured_again(
    freshness, projections, clock
):
    await ask(freshness)
    clock.now += 0.2
    await ask(freshness)
    assert projections.asked == [("lag", "order_details")]
    clock.now += 0.2
    await ask(freshness)
    assert len(projections.asked) == 2


async def test_no_token_when_lag_could_pass_a_second_then_measured_again(
    freshness, projections, clock
):
    projections.lags["order_details"] = 0.9
    assert await ask(freshness) is None
    clock.now += 0.2
    projections.lags["order_details"] = 1.1
    assert await ask(freshness) == 1.1


async def test_token_when_shown_then_fresh_whatever_the_lag(freshness, projections, documents):
    projections.lags["order_details"] = 90.0
    assert await ask(freshness, write=WRITE, searching=False) is None
    assert documents.refreshed == []
    assert projections.asked == [("shows", "order_details", WRITE, 2.0)]


async def test_token_when_shown_and_searching_then_refreshed_first(freshness, documents):
    assert await ask(freshness, "order_details", "customers", write=WRITE) is None
    assert documents.refreshed == ["order_details", "customers"]


async def test_token_when_one_of_a_join_does_not_show_it_then_stale(
    freshness, projections, documents
):
    projections.hidden.add(("customers", WRITE.stream))
    assert await ask(freshness, "order_details", "customers", write=WRITE) is not None
    assert documents.refreshed == []


async def test_token_when_both_of_a_join_are_slow_then_waited_for_at_once(projections, documents):
    """Two waits one after the other would take twice the limit."""
    both = asyncio.Barrier(2)

    async def shows(*_):
        await both.wait()
        return True

    projections.shows = shows
    freshness = Freshness(projections, documents, wait_seconds=2.0)
    assert await ask(freshness, "order_details", "customers", write=WRITE) is None


async def test_token_when_projections_hang_then_stale_in_the_end(projections, documents):
    never = asyncio.Event()

    async def hang(*_):
        await never.wait()

    projections.shows = projections.lag = hang
    freshness = Freshness(projections, documents, wait_seconds=0.0)
    assert await ask(freshness, write=WRITE) > 1


async def test_anything_when_projections_break_then_stale_not_failed(projections, documents):
    async def broken(*_):
        raise OSError("no disk")

    projections.shows = projections.lag = broken
    freshness = Freshness(projections, documents, wait_seconds=2.0)
    assert await ask(freshness) > 1
    assert await ask(freshness, write=WRITE) > 1


async def test_many_at_once_measure_the_lag_once(projections, documents):
    asked, go_on = [], asyncio.Event()

    async def lag(name):
        asked.append(name)
        await go_on.wait()
        return 0.0

    projections.lag = lag
    freshness = Freshness(projections, documents, wait_seconds=2.0)
    asking = [asyncio.ensure_future(ask(freshness)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*asking[1:]) == [None] * 4
    assert asked == ["order_details"]


async def test_lag_when_just_found_to_be_unknown_then_not_waited_for_again(
    freshness, projections, clock
):
    projections.lags["order_details"] = None
    assert await ask(freshness) > 1
    clock.now += 0.3
    assert await ask(freshness) > 1
    assert len(projections.asked) == 1
    clock.now += 0.3
    projections.lags["order_details"] = 0.0
    assert await ask(freshness) is None
