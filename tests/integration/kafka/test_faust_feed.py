"""The Faust feed on a real Kafka: what Faust would lose by itself is not lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from event_store.kafka.faust_feed import FaustFeed
from event_store.kafka.feed_settings import FeedSettings
from tests.integration.kafka.feeding import Feeding, Workers, feeding
from tests.integration.kafka.sink import Seen, Sink


@pytest.fixture
async def fed(kafka: str) -> AsyncGenerator[Feeding]:
    async with feeding(kafka) as it:
        yield it


@pytest.fixture
def workers(fed: Feeding, tmp_path: Path) -> Iterator[Workers]:
    it = Workers(fed, tmp_path)
    try:
        yield it
    finally:
        it.end()


@pytest.fixture
def seen(workers: Workers) -> Seen:
    return Seen(workers.file)


def feed_into(fed: Feeding, sink: Sink) -> FaustFeed:
    return FaustFeed(FeedSettings(fed.servers, fed.topics, fed.group), sink)


async def all_handled(fed: Feeding, seen: Seen, seconds: float = 60) -> None:
    try:
        await seen.until(lambda: set(fed.ids) <= set(seen.handled()), seconds)
    except TimeoutError:
        missing = set(fed.ids) - set(seen.handled())
        pytest.fail(f"{len(missing)} of {len(fed.ids)} are missing")


def assert_in_order(deliveries: list[tuple[str, str]]) -> None:
    """Of each partition: repeats may come, but nothing new before what is before it."""
    furthest: dict[str, str] = {}
    known: dict[str, list[str]] = {}
    for partition, position in deliveries:
        if position > furthest.get(partition, ""):
            furthest[partition] = position
            known.setdefault(partition, []).append(position)
        else:
            assert position in known[partition]


async def test_two_feeds_one_after_another_in_one_process(
    fed: Feeding, workers: Workers, seen: Seen
) -> None:
    threads = threading.active_count()
    for _ in range(2):
        feed = feed_into(fed, Sink(workers.file, "here"))
        await feed.start()
        fed.publish(120)
        await all_handled(fed, seen)
        assert len(feed.partitions) == 3 * len(fed.topics.of_events)
        await asyncio.wait_for(feed.stop(), 10)
        assert seen.owned("here") == frozenset()
    assert_in_order(seen.deliveries())
    assert threading.active_count() <= threads + 1
    # A clean stop commits: the second one began where the first one ended.
    assert len(seen.deliveries()) == 240


async def test_a_sink_that_breaks(fed: Feeding, workers: Workers, seen: Seen) -> None:
    sink = Sink(workers.file, "here", fail_at=2)
    feed = feed_into(fed, sink)
    await feed.start()
    fed.publish(100)
    await all_handled(fed, seen)
    fed.publish(900)
    await all_handled(fed, seen)
    await feed.stop()
    assert sink.batches > 2
    assert_in_order(seen.deliveries())


async def test_stopped_in_the_middle_of_a_batch(fed: Feeding, workers: Workers, seen: Seen) -> None:
    fed.publish(1500)
    worker = workers.start("first", slow=1.0)
    await seen.until(lambda: "begin" in seen.calls("first"))
    worker.stop()
    assert await worker.ended() == 0
    # The batch at hand was finished and committed, and no other was begun.
    calls = seen.calls("first")
    assert calls.count("begin") == 1
    assert calls[-1] == "own"
    assert "handle" in calls
    before = len(seen.deliveries())
    assert sum(fed.committed().values()) >= before
    workers.start("second")
    await all_handled(fed, seen)
    assert len(seen.deliveries("second")) == len(fed.ids) - before


async def test_killed(fed: Feeding, workers: Workers, seen: Seen) -> None:
    fed.publish(2000)
    for n in range(3):
        worker = workers.start(f"worker {n}", slow=0.1)
        await seen.until(lambda it=worker.name: seen.calls(it).count("handle") > 300)
        worker.kill()
        fed.publish(200)
    workers.start("last")
    await all_handled(fed, seen)
    for n in range(3):
        assert_in_order(seen.deliveries(f"worker {n}"))


async def test_a_named_worker_is_back_before_its_session_ends(
    fed: Feeding, workers: Workers, seen: Seen
) -> None:
    worker = workers.start("first", instance="one")
    await seen.until(lambda: len(seen.owned("first")) == 12)
    worker.kill()
    began = asyncio.get_running_loop().time()
    workers.start("second", instance="one")
    await seen.until(lambda: len(seen.owned("second")) == 12)
    assert asyncio.get_running_loop().time() - began < 6


async def test_partitions_change_hands_while_events_flow(
    fed: Feeding, workers: Workers, seen: Seen
) -> None:
    flowing = asyncio.Event()

    async def flow() -> None:
        while not flowing.is_set():
            await asyncio.to_thread(fed.publish, 100)

    publishing = asyncio.create_task(flow())
    first = workers.start("first", slow=0.02)
    await seen.until(lambda: len(seen.owned("first")) == 12)
    second = workers.start("second", slow=0.02)
    await seen.until(lambda: len(seen.owned("first")) == len(seen.owned("second")) == 6)
    assert not seen.owned("first") & seen.owned("second")
    third = workers.start("third", slow=0.02)
    await seen.until(lambda: all(len(seen.owned(it)) == 4 for it in ("first", "second", "third")))
    first.stop()
    assert await first.ended() == 0
    await seen.until(lambda: len(seen.owned("second") | seen.owned("third")) == 12)
    second.kill()
    await seen.until(lambda: len(seen.owned("third")) == 12)
    flowing.set()
    await publishing
    await all_handled(fed, seen)
    for worker in ("first", "second", "third"):
        assert_in_order(seen.deliveries(worker))
    third.stop()
    assert await third.ended() == 0


async def test_aborted_transactions_and_markers(fed: Feeding, workers: Workers, seen: Seen) -> None:
    feed = feed_into(fed, Sink(workers.file, "here"))
    await feed.start()
    for _ in range(5):
        fed.publish(20, by=3)
        fed.abort(10)
    await all_handled(fed, seen)
    await feed.stop()
    committed = fed.committed()
    # Faust reads uncommitted: what was aborted came too, and the handler is told by `previous`.
    assert len(seen.handled()) > len(fed.ids)
    # All that was delivered is committed, whatever stands between.
    fed.publish(1)
    again = feed_into(fed, Sink(workers.file, "again"))
    await again.start()
    await all_handled(fed, seen)
    await again.stop()
    assert len(seen.deliveries("again")) == 1
    assert fed.committed().items() >= {}.items()
    assert sum(fed.committed().values()) > sum(committed.values())


async def test_expired_retention(fed: Feeding, workers: Workers, seen: Seen) -> None:
    feed = feed_into(fed, Sink(workers.file, "here"))
    await feed.start()
    fed.publish(100)
    await all_handled(fed, seen)
    await feed.stop()
    fed.publish(100)
    lost = fed.ids[100:]
    await asyncio.to_thread(lambda: [fed.delete_records(it) for it in ("order", "product")])
    fed.publish(50)
    feed = feed_into(fed, Sink(workers.file, "later"))
    await feed.start()
    await seen.until(lambda: set(fed.ids[200:]) <= set(seen.handled()))
    await feed.stop()
    assert not set(lost) & set(seen.handled())
    assert len(seen.deliveries("later")) == 50


async def test_what_is_no_event_is_passed_over(
    fed: Feeding, workers: Workers, seen: Seen, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = fed.topics.topic_of("order")
    for number in range(3):
        fed.produce(topic, number, b"no event")
        fed.produce(topic, number, b"")
        fed.produce(topic, number, None)
    fed.publish(30)
    feed = feed_into(fed, Sink(workers.file, "here"))
    await feed.start()
    await all_handled(fed, seen)
    await feed.stop()
    assert capsys.readouterr().out.count("is passed over") == 9
    assert min(fed.committed()[topic, number] for number in range(3)) > 2
