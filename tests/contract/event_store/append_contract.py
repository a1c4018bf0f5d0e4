"""Appending: versions, atomicity, races."""

from __future__ import annotations

import asyncio

import pytest

from event_store.errors import BatchTooLarge, WrongExpectedVersion
from event_store.port import MAX_APPEND_BYTES, NO_VERSION, NewEvent, StreamState
from tests.contract.event_store.support import event, ids, page_through, some, unique, versions

ANY, EXISTS, NONE = StreamState.ANY, StreamState.STREAM_EXISTS, StreamState.NO_STREAM


class AppendContract:
    @pytest.mark.parametrize("expected", [NONE, ANY, NO_VERSION])
    async def test_first_event_of_a_stream_gets_version_0(self, store, expected):
        stream = unique()
        appended = await store.append(stream, [event()], expected=expected)
        (recorded,) = await store.read_stream(stream)
        assert appended.version == recorded.version == 0
        assert appended.position == recorded.position

    async def test_batch_answers_with_its_last_event(self, store):
        stream = unique()
        appended = await store.append(stream, some(3), expected=NONE)
        recorded = await store.read_stream(stream)
        assert versions(recorded) == [0, 1, 2]
        assert (appended.version, appended.position) == (2, recorded[-1].position)

    @pytest.mark.parametrize("expected", [0, ANY, EXISTS])
    async def test_existing_stream_goes_on(self, store, expected):
        stream = unique()
        await store.append(stream, [event()], expected=NONE)
        appended = await store.append(stream, some(2), expected=expected)
        assert appended.version == 2
        assert await store.stream_version(stream) == 2

    @pytest.mark.parametrize("expected", [NONE, NO_VERSION, 0, 2, 99])
    async def test_another_version_is_refused_and_nothing_is_written(self, store, expected):
        stream = unique()
        before = some(2)
        await store.append(stream, before, expected=NONE)
        with pytest.raises(WrongExpectedVersion) as refused:
            await store.append(stream, some(3), expected=expected)
        assert (refused.value.stream, refused.value.current) == (stream, 1)
        assert refused.value.expected == expected
        assert ids(await store.read_stream(stream)) == ids(before)

    @pytest.mark.parametrize("expected", [EXISTS, 0, 5])
    async def test_missing_stream_is_refused_when_one_is_expected(self, store, expected):
        stream = unique()
        with pytest.raises(WrongExpectedVersion) as refused:
            await store.append(stream, [event()], expected=expected)
        assert refused.value.current == NO_VERSION
        assert await store.stream_version(stream) == NO_VERSION

    async def test_everything_of_an_event_is_kept(self, store):
        stream = unique()
        new = NewEvent(event().id, "Größe", '{"a":"é","b":[1.50]}'.encode(), b'{"m":{"x":1}}')
        await store.append(stream, [new], expected=NONE)
        (recorded,) = await store.read_stream(stream)
        assert (recorded.id, recorded.stream, recorded.type) == (new.id, stream, new.type)
        assert (recorded.data, recorded.metadata) == (new.data, new.metadata)
        assert recorded.recorded_at.utcoffset().total_seconds() == 0

    async def test_positions_and_recorded_times_never_go_back(self, store, start):
        streams = [unique(), unique()]
        for version in range(3):
            for stream in streams:
                await store.append(stream, [event()], expected=version - 1)
        recorded = await page_through(store, after=start, limit=100)
        mine = [entry for entry in recorded if entry.stream in streams]
        assert [entry.stream for entry in mine] == streams * 3
        positions = [entry.position for entry in mine]
        assert positions == sorted(set(positions))
        times = [entry.recorded_at for entry in mine]
        assert times == sorted(times)

    async def test_batch_at_the_size_limit_is_taken_and_a_byte_more_is_not(self, store):
        stream = unique()
        small = event(type="T")
        space = MAX_APPEND_BYTES - len(small.metadata) - 2 * len(small.type)
        largest = NewEvent(small.id, "T", b'"' + b"x" * (space - 2) + b'"', small.metadata)
        await store.append(stream, [largest], expected=NONE)
        larger = NewEvent(event().id, "T", largest.data + b" ", small.metadata)
        with pytest.raises(BatchTooLarge):
            await store.append(stream, [larger], expected=0)
        assert await store.stream_version(stream) == 0

    async def test_50_writers_race_and_exactly_one_wins_each_version(self, store):
        stream = unique()
        won: dict[int, list] = {}

        async def writer() -> None:
            for version in range(10):
                mine = event()
                try:
                    appended = await store.append(stream, [mine], expected=version - 1)
                except WrongExpectedVersion:
                    continue
                won.setdefault(appended.version, []).append(mine.id)

        await asyncio.gather(*(writer() for _ in range(50)))
        recorded = await store.read_stream(stream)
        assert versions(recorded) == list(range(10))
        assert won == {entry.version: [entry.id] for entry in recorded}

    async def test_concurrent_batches_do_not_mix(self, store, start):
        streams = [unique() for _ in range(20)]
        await asyncio.gather(*(store.append(stream, some(5), expected=NONE) for stream in streams))
        order = [entry.stream for entry in await page_through(store, after=start, limit=100)]
        assert sorted(order[::5]) == sorted(streams)
        assert order == [stream for stream in order[::5] for _ in range(5)]

    async def test_acknowledged_events_survive_a_restart(self, store, backend):
        stream = unique()
        events = some(3)
        appended = await store.append(stream, events, expected=NONE)
        identity = await store.identity()
        again = await backend.restart()
        recorded = await again.read_stream(stream)
        assert ids(recorded) == ids(events)
        assert recorded[-1].position == appended.position
        assert await again.identity() == identity
        assert (await again.append(stream, [event()], expected=2)).position > appended.position

    async def test_healthy_store_passes_its_check(self, store):
        await store.check()
