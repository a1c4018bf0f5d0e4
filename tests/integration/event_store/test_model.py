"""Any sequence of operations answers as a simple model in memory does."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from event_store.errors import WrongExpectedVersion
from event_store.port import NewEvent, Snapshot, StreamState
from event_store.sqlite import SqliteEventStore
from tests.contract.event_store.support import event, ids, page_through, versions

ANY, EXISTS, NONE = StreamState.ANY, StreamState.STREAM_EXISTS, StreamState.NO_STREAM
STREAMS = st.sampled_from(["order-1", "order-2", "stock-1", "orders-1", "plain"])
CATEGORIES = st.sets(st.sampled_from(["order", "stock", "orders", "plain"]), max_size=3)
VERSIONS = st.integers(-1, 8)


class Refused(Exception):
    pass


class Model:
    """The event store as one list. Ids are small numbers, so that appends often repeat."""

    def __init__(self) -> None:
        self.log: list[tuple[str, NewEvent]] = []

    def stream(self, name: str) -> list[NewEvent]:
        return [new for stream, new in self.log if stream == name]

    def append(self, name: str, events: list[NewEvent], expected) -> int:
        """The version of the last event, new or found."""
        known = ids(self.stream(name))
        wanted = ids(events)
        current = len(known) - 1
        if expected is EXISTS and current < 0:
            raise Refused
        if expected in (ANY, EXISTS):
            if wanted[0] in known:
                if not set(wanted) <= set(known):
                    raise Refused
                return len(known) - 1 - known[::-1].index(wanted[-1])
        else:
            version = -1 if expected is NONE else expected
            if version < current and known[version + 1 :][: len(wanted)] == wanted:
                return version + len(wanted)
            if version != current:
                raise Refused
        self.log += [(name, new) for new in events]
        return current + len(wanted)


class EventStoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.path = Path(self.folder.name) / "events.db"
        self.model = Model()
        self.pool = [event(number) for number in range(6)]
        self.snapshots: dict[str, Snapshot] = {}
        self.checkpoints: dict[str, str] = {}

    @initialize()
    def open(self) -> None:
        self.store = self.runner.run(SqliteEventStore.open(self.path))

    @rule()
    def restart(self) -> None:
        self.runner.run(self.store.close())
        self.open()

    def append_as_the_model(self, stream: str, events: list[NewEvent], expected) -> None:
        try:
            version = self.model.append(stream, events, expected)
        except Refused:
            version = None
        appending = self.store.append(stream, events, expected=expected)
        if version is None:
            with pytest.raises(WrongExpectedVersion) as refused:
                self.runner.run(appending)
            assert refused.value.current == len(self.model.stream(stream)) - 1
            return
        appended = self.runner.run(appending)
        assert appended.version == version
        (last,) = self.runner.run(self.store.read_stream(stream, first=version, last=version))
        assert last.position == appended.position

    @rule(
        stream=STREAMS,
        numbers=st.lists(st.integers(0, 5), min_size=1, max_size=3),
        expected=st.sampled_from([ANY, EXISTS, NONE]) | VERSIONS,
    )
    def append_from_the_pool(self, stream, numbers, expected) -> None:
        self.append_as_the_model(stream, [self.pool[number] for number in numbers], expected)

    @rule(stream=STREAMS, count=st.integers(1, 3))
    def append_new_at_the_current_version(self, stream, count) -> None:
        current = len(self.model.stream(stream)) - 1
        self.append_as_the_model(stream, [event() for _ in range(count)], current)

    @rule(stream=STREAMS, first=VERSIONS.filter(lambda version: version >= 0), data=st.data())
    def append_again(self, stream, first, data) -> None:
        known = self.model.stream(stream)[first : first + data.draw(st.integers(1, 3))]
        if known:
            self.append_as_the_model(stream, known, first - 1)

    @rule(
        stream=STREAMS,
        first=st.none() | VERSIONS,
        last=st.none() | VERSIONS,
        backwards=st.booleans(),
        limit=st.none() | st.integers(0, 5),
    )
    def read_stream(self, stream, first, last, backwards, limit) -> None:
        known = list(enumerate(self.model.stream(stream)))
        low, high = first or 0, len(known) if last is None else last
        wanted = [(version, new.id) for version, new in known if low <= version <= high]
        wanted = (wanted[::-1] if backwards else wanted)[:limit]
        options = {"first": first, "last": last, "backwards": backwards, "limit": limit}
        found = self.runner.run(self.store.read_stream(stream, **options))
        assert list(zip(versions(found), ids(found), strict=True)) == wanted

    @rule(categories=st.none() | CATEGORIES, limit=st.integers(1, 4), start=st.integers(0, 10))
    def read_all(self, categories, limit, start) -> None:
        everything = self.runner.run(page_through(self.store, after=None, limit=500))
        after = everything[start - 1].position if 0 < start <= len(everything) else None
        rest = self.model.log[start:] if after else self.model.log
        wanted = [
            new.id
            for stream, new in rest
            if categories is None or ("-" in stream and stream.split("-")[0] in categories)
        ]
        paging = page_through(self.store, after=after, limit=limit, categories=categories)
        assert ids(self.runner.run(paging)) == wanted

    @rule(stream=STREAMS, version=VERSIONS, state=st.binary(max_size=5))
    def save_snapshot(self, stream, version, state) -> None:
        snapshot = Snapshot(stream, version, "f", state)
        self.runner.run(self.store.save_snapshot(snapshot))
        if stream not in self.snapshots or self.snapshots[stream].version <= version:
            self.snapshots[stream] = snapshot
        assert self.runner.run(self.store.load_snapshot(stream)) == self.snapshots[stream]

    @rule(name=st.sampled_from(["a", "b"]))
    def save_checkpoint_at_the_head(self, name) -> None:
        head = self.runner.run(self.store.head())
        if head is not None:
            self.runner.run(self.store.save_checkpoint(name, head))
            self.checkpoints[name] = head

    @invariant()
    def same_as_the_model(self) -> None:
        if not hasattr(self, "store"):
            return
        found = self.runner.run(page_through(self.store, after=None, limit=500))
        assert [(entry.stream, entry.id) for entry in found] == [
            (stream, new.id) for stream, new in self.model.log
        ]
        assert self.runner.run(self.store.head()) == (found[-1].position if found else None)
        for name in ("a", "b"):
            saved = self.runner.run(self.store.load_checkpoint(name))
            assert saved == self.checkpoints.get(name)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.runner.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()


EventStoreMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None
)
TestSqliteBehavesAsTheModel = EventStoreMachine.TestCase
