"""Subscribers with effects: resume, park, retry, discard."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, closing

import pytest
from structlog.testing import capture_logs

from event_store.errors import EventStoreUnavailable
from event_store.port import StreamState
from event_store.sqlite import SqliteEventStore
from event_store.subscriptions import StartFrom, SubscriptionRunner
from tests.contract.event_store.support import event, some

ANY = StreamState.ANY
TIMEOUT = 5


class Recorder:
    """A handler that notes what it handled, and fails where it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.poison: set[tuple[str, int]] = set()
        self.failing: dict[tuple[str, int], list[Exception]] = defaultdict(list)

    async def __call__(self, recorded) -> None:
        key = (recorded.stream, recorded.version)
        if self.failing[key]:
            raise self.failing[key].pop()
        if key in self.poison:
            raise ValueError("can't do this")
        self.seen.append(key)

    def of(self, stream: str) -> list[int]:
        return [version for name, version in self.seen if name == stream]


@pytest.fixture
def handler():
    return Recorder()


@asynccontextmanager
async def running(runner: SubscriptionRunner):
    task = asyncio.ensure_future(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task.exception()


def policy(store, handler, **options) -> SubscriptionRunner:
    options = {"interval": 0.02, **options}
    return SubscriptionRunner("policy", handler, store, store, **options)


async def append(store, stream: str, count: int = 1):
    return (await store.append(stream, some(count), expected=ANY)).position


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds: it is written by the runner to the store, so polled."""
    async with asyncio.timeout(TIMEOUT):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def unparked(store) -> None:
    async def nothing_parked() -> bool:
        return not await store.parked("policy")

    await until(nothing_parked)


async def parked_at(store, version: int) -> None:
    async def stuck_there() -> bool:
        return [entry.version for entry in await store.parked("policy")] == [version]

    await until(stuck_there)


async def checkpoint_at(store, position) -> None:
    async def saved() -> bool:
        return await store.load_checkpoint("policy") == position

    await until(saved)


async def test_history_and_live_events_are_handled_in_order(store, handler):
    await append(store, "order-1", 3)
    async with running(policy(store, handler, batch=2)) as runner:
        last = await append(store, "order-2", 2)
        await runner.wait_until(last, TIMEOUT)
    assert handler.seen == [
        ("order-1", 0),
        ("order-1", 1),
        ("order-1", 2),
        *(("order-2", version) for version in range(2)),
    ]


async def test_runner_resumes_after_its_checkpoint(path, handler):
    for round_ in range(3):
        store = await SqliteEventStore.open(path)
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1", 2), TIMEOUT)
            await runner.wait_until(await append(store, f"order-{round_ + 5}"), TIMEOUT)
        await store.close()
    assert handler.of("order-1") == list(range(6))


async def test_runner_whose_events_were_lost_says_so_once_and_goes_on_at_the_end(path, handler):
    store = await SqliteEventStore.open(path)
    await append(store, "order-1", 3)
    async with running(policy(store, handler)) as runner:
        await runner.wait_until(await append(store, "order-2", 2), TIMEOUT)
    await store.close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("DELETE FROM events WHERE stream = 'order-2'")
        file.commit()
    store = await SqliteEventStore.open(path)
    with capture_logs() as logs:
        async with running(policy(store, handler)) as runner:
            await checkpoint_at(store, await store.head())
            await runner.wait_until(await append(store, "order-3"), TIMEOUT)
    await store.close()
    assert handler.seen[-2:] == [("order-2", 1), ("order-3", 0)]
    [told] = [one for one in logs if one["log_level"] in ("warning", "error")]
    assert told["event"].startswith("the event store has lost events that were handled")


async def test_only_its_categories_are_handled_and_the_rest_is_passed(store, handler):
    async with running(policy(store, handler, categories=["order"])) as runner:
        await append(store, "order-1")
        last = await append(store, "stock-1", 5)
        await runner.wait_until(last, TIMEOUT)
        await checkpoint_at(store, last)
    assert handler.seen == [("order-1", 0)]


class TestStartFromHead:
    async def test_earlier_events_are_left_out(self, store, handler):
        await append(store, "order-1", 3)
        async with running(policy(store, handler, start=StartFrom.HEAD)) as runner:
            await runner.wait_until(await store.head(), TIMEOUT)
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.seen == [("order-1", 3)]

    async def test_head_of_an_empty_store_is_remembered_over_a_restart(self, store, handler):
        async with running(policy(store, handler, start=StartFrom.HEAD)):
            await checkpoint_at(store, (await store.read_all()).position)
        last = await append(store, "order-1", 2)
        async with running(policy(store, handler, start=StartFrom.HEAD)) as runner:
            await runner.wait_until(last, TIMEOUT)
        assert handler.seen == [("order-1", 0), ("order-1", 1)]

    async def test_nothing_is_handled_before_the_head_is_remembered(
        self, store, handler, monkeypatch
    ):
        monkeypatch.setattr("event_store.subscriptions._LONGEST_DELAY", 0.001)
        tries = asyncio.Semaphore(0)

        async def fail(*_) -> None:
            tries.release()
            raise EventStoreUnavailable("away")

        await append(store, "order-1")
        monkeypatch.setattr(store, "save_checkpoint", fail)
        runner = policy(store, handler, start=StartFrom.HEAD)
        async with running(runner):
            await asyncio.wait_for(tries.acquire(), TIMEOUT)
            await append(store, "order-2")
            for _ in range(5):
                await asyncio.wait_for(tries.acquire(), TIMEOUT)
        assert runner.position is None
        assert handler.seen == []


class TestParking:
    async def test_stream_of_a_failing_event_waits_and_others_flow(self, store, handler):
        handler.poison = {("order-1", 1)}
        async with running(policy(store, handler)) as runner:
            await append(store, "order-1", 3)
            await append(store, "order-2", 2)
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.seen == [("order-1", 0), ("order-2", 0), ("order-2", 1)]
        (entry,) = await store.parked("policy")
        (stuck,) = await store.read_stream("order-1", first=1, last=1)
        assert (entry.id, entry.version) == ("policy:order-1", 1)
        assert (entry.event_id, entry.error) == (stuck.id, "ValueError: can't do this")

    async def test_parked_stream_is_passed_over_after_a_restart(self, store, handler):
        handler.poison = {("order-1", 0)}
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.seen == []

    async def test_retry_after_a_fix_handles_everything_in_order(self, store, handler):
        handler.poison = {("order-1", 1)}
        async with running(policy(store, handler, batch=2)) as runner:
            await runner.wait_until(await append(store, "order-1", 6), TIMEOUT)
            handler.poison = set()
            assert await store.request("policy:order-1", "retry")
            await unparked(store)
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.of("order-1") == list(range(7))

    async def test_retry_without_a_fix_parks_again(self, store, handler):
        handler.poison = {("order-1", 1), ("order-1", 3)}
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1", 5), TIMEOUT)
            handler.poison = {("order-1", 3)}
            await store.request("policy:order-1", "retry")
            await parked_at(store, 3)
            assert (await store.parked())[0].request is None
            handler.poison = set()
            await store.request("policy:order-1", "retry")
            await unparked(store)
        assert handler.of("order-1") == list(range(5))

    async def test_discard_leaves_out_just_that_event(self, store, handler):
        handler.poison = {("order-1", 1)}
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1", 4), TIMEOUT)
            await store.request("policy:order-1", "discard", "sent by mistake")
            await unparked(store)
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.of("order-1") == [0, 2, 3, 4]
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.of("order-1") == [0, 2, 3, 4, 5]

    async def test_discard_of_the_last_event_lets_later_ones_through(self, store, handler):
        handler.poison = {("order-1", 0)}
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
            await store.request("policy:order-1", "discard", "sent by mistake")
            await unparked(store)
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert handler.of("order-1") == [1]

    async def test_request_made_while_stopped_is_carried_out_at_the_start(self, store, handler):
        handler.poison = {("order-1", 0)}
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1", 2), TIMEOUT)
        handler.poison = set()
        await store.request("policy:order-1", "retry")
        async with running(policy(store, handler)) as runner:
            await unparked(store)
        assert handler.of("order-1") == [0, 1]

    async def test_discard_before_the_checkpoint_reached_the_event_is_kept(self, store, handler):
        """Parked, then killed before the checkpoint: the event comes again, and stays out."""
        handler.poison = {("order-1", 1)}
        start = (await store.read_all()).position
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1", 3), TIMEOUT)
        await store.save_checkpoint("policy", start)
        await store.request("policy:order-1", "discard", "sent by mistake")
        handler.seen.clear()
        async with running(policy(store, handler, batch=1, interval=0)) as runner:
            await unparked(store)
            await runner.wait_until(await append(store, "order-1"), TIMEOUT)
        assert 1 not in handler.of("order-1")
        assert handler.of("order-1") == [2, 3]
        assert await store.parked() == []

    async def test_retry_leaves_to_the_subscription_what_it_has_not_reached(self, store, handler):
        handler.poison = {("order-1", 1)}
        async with running(policy(store, handler)) as runner:
            await runner.wait_until(await append(store, "order-1", 5), TIMEOUT)
        stuck = (await store.read_stream("order-1"))[1]
        await store.save_checkpoint("policy", stuck.position)
        handler.poison = set()
        await store.request("policy:order-1", "retry")
        async with running(policy(store, handler, batch=1, interval=0)) as runner:
            await runner.wait_until(await store.head(), TIMEOUT)
            await unparked(store)
        assert handler.of("order-1") == list(range(5))


class TestInfrastructure:
    @pytest.mark.parametrize("error", [EventStoreUnavailable("away"), ConnectionError("away")])
    async def test_errors_of_the_infrastructure_are_waited_out(self, store, handler, error):
        handler.failing["order-1", 1] = [error, error]
        runner = policy(store, handler, retry_on=(ConnectionError,))
        async with running(runner):
            await append(store, "order-1", 3)
            await runner.wait_until(await append(store, "order-2"), TIMEOUT)
        assert handler.seen == [("order-1", 0), ("order-1", 1), ("order-1", 2), ("order-2", 0)]
        assert await store.parked() == []

    async def test_store_that_is_away_for_a_moment_is_waited_out(self, store, handler, monkeypatch):
        monkeypatch.setattr("event_store.subscriptions._LONGEST_DELAY", 0.01)

        class Flaky:
            """Fails twice at each operation that the runner uses, then works."""

            def __init__(self) -> None:
                self.failures = defaultdict(int)

            def __getattr__(self, name):
                operation = getattr(store, name)
                if name in ("subscribe", "parked", "load_checkpoint", "save_checkpoint", "head"):
                    self.failures[name] += 1
                    if self.failures[name] <= 2:
                        raise EventStoreUnavailable(f"{name} is away")
                return operation

        flaky = Flaky()
        runner = SubscriptionRunner("policy", handler, flaky, flaky, start=StartFrom.HEAD)
        async with running(runner):
            await checkpoint_at(store, (await store.read_all()).position)
            await runner.wait_until(await append(store, "order-1", 2), TIMEOUT)
        assert handler.seen == [("order-1", 0), ("order-1", 1)]
        assert min(flaky.failures.values()) >= 3


async def test_wait_until_gives_up_at_its_timeout(store, handler):
    position = await append(store, "order-1")
    with pytest.raises(TimeoutError):
        await policy(store, handler).wait_until(position, 0.01)


async def test_effects_appended_by_the_handler_come_to_it_too(store):
    seen = []

    async def react(recorded) -> None:
        seen.append(recorded.stream)
        if recorded.stream.startswith("order-"):
            await store.append(f"stock-{recorded.version}", [event()], expected=ANY)

    async with running(policy(store, react)) as runner:
        await runner.wait_until(await append(store, "order-1", 3), TIMEOUT)
        await runner.wait_until(await store.head(), TIMEOUT)
    assert sorted(seen) == ["order-1"] * 3 + ["stock-0", "stock-1", "stock-2"]
