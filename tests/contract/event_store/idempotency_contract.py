"""Appending the same events again, as EventStoreDB answers it."""

from __future__ import annotations

import asyncio

import pytest

from event_store.errors import WrongExpectedVersion
from event_store.port import StreamState
from tests.contract.event_store.support import event, ids, some, unique

ANY, EXISTS, NONE = StreamState.ANY, StreamState.STREAM_EXISTS, StreamState.NO_STREAM


class IdempotencyContract:
    @pytest.mark.parametrize("expected", [NONE, -1])
    async def test_first_batch_again_answers_as_before(self, store, expected):
        stream, events = unique(), some(3)
        first = await store.append(stream, events, expected=NONE)
        assert await store.append(stream, events, expected=expected) == first
        assert ids(await store.read_stream(stream)) == ids(events)

    async def test_batch_again_after_later_events_answers_as_before(self, store):
        stream, events, later = unique(), some(2), some(2)
        await store.append(stream, [event()], expected=NONE)
        first = await store.append(stream, events, expected=0)
        await store.append(stream, later, expected=2)
        assert await store.append(stream, events, expected=0) == first
        assert await store.stream_version(stream) == 4

    async def test_batch_again_after_a_restart_answers_as_before(self, store, backend):
        stream, events = unique(), some(2)
        first = await store.append(stream, events, expected=NONE)
        again = await backend.restart()
        assert await again.append(stream, events, expected=NONE) == first
        assert await again.stream_version(stream) == 1

    async def test_beginning_of_a_batch_again_answers_with_its_own_last_event(self, store):
        stream, events = unique(), some(3)
        await store.append(stream, events, expected=NONE)
        part = await store.append(stream, events[:2], expected=NONE)
        recorded = await store.read_stream(stream)
        assert (part.version, part.position) == (1, recorded[1].position)

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param(lambda events: [event(), *events[1:]], id="first differs"),
            pytest.param(lambda events: [*events[:-1], event()], id="last differs"),
            pytest.param(lambda events: [*events, event()], id="one more than was written"),
            pytest.param(lambda events: events[::-1], id="other order"),
        ],
    )
    async def test_other_events_at_an_old_version_are_refused(self, store, changed):
        stream, events = unique(), some(3)
        await store.append(stream, events, expected=NONE)
        with pytest.raises(WrongExpectedVersion) as refused:
            await store.append(stream, changed(events), expected=NONE)
        assert refused.value.current == 2
        assert ids(await store.read_stream(stream)) == ids(events)

    async def test_same_events_at_another_version_are_refused(self, store):
        stream, events = unique(), some(2)
        await store.append(stream, events, expected=NONE)
        with pytest.raises(WrongExpectedVersion):
            await store.append(stream, events, expected=0)

    async def test_same_events_at_the_current_version_are_written_again(self, store):
        stream, events = unique(), some(2)
        await store.append(stream, events, expected=NONE)
        assert (await store.append(stream, events, expected=1)).version == 3
        assert ids(await store.read_stream(stream)) == ids(events) * 2

    async def test_one_event_six_times_in_a_batch_twice_answers_version_5_both_times(self, store):
        stream, events = unique(), [event()] * 6
        first = await store.append(stream, events, expected=NONE)
        assert await store.append(stream, events, expected=NONE) == first
        assert first.version == 5

    async def test_same_event_in_two_streams_is_two_events(self, store):
        one, other, same = unique(), unique(), event()
        first = await store.append(one, [same], expected=NONE)
        second = await store.append(other, [same], expected=NONE)
        assert first.position != second.position
        assert ids(await store.read_stream(other)) == [same.id]

    async def test_ten_at_once_write_once_and_all_get_the_same_answer(self, store):
        stream, events = unique(), some(2)
        answers = await asyncio.gather(
            *(store.append(stream, events, expected=NONE) for _ in range(10))
        )
        assert len(set(answers)) == 1
        assert ids(await store.read_stream(stream)) == ids(events)

    @pytest.mark.parametrize("expected", [ANY, EXISTS])
    async def test_known_events_at_any_version_answer_as_before(self, store, expected):
        stream, events = unique(), some(2)
        first = await store.append(stream, events, expected=NONE)
        await store.append(stream, [event()], expected=1)
        assert await store.append(stream, events, expected=expected) == first
        assert await store.stream_version(stream) == 2

    @pytest.mark.parametrize("expected", [ANY, EXISTS])
    async def test_known_event_before_an_unknown_one_is_refused(self, store, expected):
        stream, known = unique(), event()
        await store.append(stream, [known], expected=NONE)
        with pytest.raises(WrongExpectedVersion):
            await store.append(stream, [known, event()], expected=expected)
        assert await store.stream_version(stream) == 0

    @pytest.mark.parametrize("expected", [ANY, EXISTS])
    async def test_unknown_event_before_a_known_one_writes_both(self, store, expected):
        stream, known = unique(), event()
        await store.append(stream, [known], expected=NONE)
        appended = await store.append(stream, [event(), known], expected=expected)
        assert appended.version == 2

    async def test_known_events_at_any_version_answer_as_before_after_a_restart(
        self, store, backend
    ):
        stream, events = unique(), some(2)
        first = await store.append(stream, events, expected=ANY)
        again = await backend.restart()
        second = await again.append(stream, events, expected=ANY)
        assert (second == first) is backend.capabilities.remembers_ids_for_any
