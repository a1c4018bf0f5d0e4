"""Reading streams and everything."""

from __future__ import annotations

import pytest

from event_store.composite import part_for, parts_of
from event_store.errors import InvalidPosition
from event_store.port import NO_VERSION, Position, StreamState
from event_store.shares import Share, read_share
from tests.contract.event_store.support import (
    event,
    ids,
    page_through,
    some,
    unique,
    unique_category,
    versions,
)

NONE = StreamState.NO_STREAM


async def share_of(store, share, *, limit, categories):
    """All events of a share, read page by page."""
    found, after, at_end = [], None, False
    while not at_end:
        page = await read_share(store, share, after=after, categories=categories, limit=limit)
        assert len(page.events) <= limit
        found += page.events
        after, at_end = page.position, page.at_end
    return found


class ReadStreamContract:
    async def test_missing_stream_has_no_events_and_no_version(self, store):
        stream = unique()
        assert list(await store.read_stream(stream)) == []
        assert await store.stream_version(stream) == NO_VERSION

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, [0, 1, 2, 3, 4]),
            ({"first": 3}, [3, 4]),
            ({"last": 1}, [0, 1]),
            ({"first": 1, "last": 3}, [1, 2, 3]),
            ({"first": 2, "last": 2}, [2]),
            ({"first": 3, "last": 2}, []),
            ({"first": 5}, []),
            ({"last": 99}, [0, 1, 2, 3, 4]),
            ({"limit": 2}, [0, 1]),
            ({"limit": 0}, []),
            ({"limit": 9}, [0, 1, 2, 3, 4]),
            ({"first": 1, "last": 3, "limit": 2}, [1, 2]),
            ({"backwards": True}, [4, 3, 2, 1, 0]),
            ({"backwards": True, "limit": 1}, [4]),
            ({"backwards": True, "last": 2}, [2, 1, 0]),
            ({"backwards": True, "last": 99, "limit": 2}, [4, 3]),
            ({"backwards": True, "first": 1, "last": 3, "limit": 2}, [3, 2]),
        ],
    )
    async def test_range_of_a_stream_of_5(self, store, options, expected):
        stream = unique()
        await store.append(stream, some(5), expected=NONE)
        await store.append(unique(), some(2), expected=NONE)
        assert versions(await store.read_stream(stream, **options)) == expected

    @pytest.mark.parametrize("step", [1, 2])
    @pytest.mark.parametrize("backwards", [False, True])
    async def test_stream_read_in_steps_is_whole(self, store, step, backwards):
        stream, events = unique(), some(5)
        await store.append(stream, events, expected=NONE)
        found, bound = [], {}
        while part := await store.read_stream(stream, backwards=backwards, limit=step, **bound):
            found += part
            end = part[-1].version
            bound = {"last": end - 1} if backwards else {"first": end + 1}
        assert ids(found) == ids(events[::-1] if backwards else events)

    @pytest.mark.parametrize("limit", [None, 1023, 1024, 1025, 2300])
    async def test_long_stream_is_whole_both_ways(self, store, limit):
        stream = unique()
        for batch in range(6):
            await store.append(stream, some(400), expected=400 * batch - 1)
        every = list(range(2400))
        assert versions(await store.read_stream(stream, limit=limit)) == every[:limit]
        newest_first = await store.read_stream(stream, backwards=True, limit=limit)
        assert versions(newest_first) == every[::-1][:limit]


class ReadAllContract:
    @pytest.mark.parametrize("limit", [1, 2, 500])
    async def test_pages_show_every_event_once_in_order(self, store, start, limit):
        streams = [unique(), unique("stock"), unique("user")]
        positions = [
            (await store.append(stream, [event()], expected=version - 1)).position
            for version in range(3)
            for stream in streams
        ]
        recorded = await page_through(store, after=start, limit=limit)
        assert [entry.position for entry in recorded] == positions
        assert [entry.stream for entry in recorded] == streams * 3

    async def test_pages_over_a_batch_can_end_within_it(self, store, start):
        stream, events = unique(), some(5)
        await store.append(stream, events, expected=NONE)
        page = await store.read_all(after=start, limit=2)
        assert (ids(page.events), page.at_end) == (ids(events[:2]), False)
        assert part_for(page.position, stream) == page.events[-1].position

    async def test_page_that_holds_exactly_the_rest_is_the_last(self, store, start):
        await store.append(unique(), some(4), expected=NONE)
        page = await store.read_all(after=start, limit=4)
        assert len(page.events) == 4
        assert page.at_end

    async def test_nothing_after_the_head(self, store):
        stream = unique()
        appended = await store.append(stream, [event()], expected=NONE)
        head = await store.head()
        assert part_for(head, stream) == appended.position
        page = await store.read_all(after=head)
        assert (list(page.events), page.position, page.at_end) == ([], head, True)

    async def test_positions_of_pages_are_of_one_kind(self, store, backend):
        stream = unique()
        appended = await store.append(stream, [event()], expected=NONE)
        page = await store.read_all()
        kinds = {parts_of(page.position) is None, parts_of(await store.identity()) is None}
        assert kinds == {not backend.capabilities.composite_positions}
        assert appended.position == page.events[-1].position

    @pytest.mark.parametrize("limit", [1, 2, 500])
    async def test_categories_keep_their_streams_only(self, store, limit):
        mine, other = unique_category(), unique_category()
        wanted = []
        for stream in (f"{mine}-1", f"{other}-1", f"{mine}x-1", mine, f"{mine}-a-b", f"x{mine}-1"):
            events = some(2)
            await store.append(stream, events, expected=NONE)
            if stream.startswith(f"{mine}-"):
                wanted += ids(events)
        found = await page_through(store, after=None, limit=limit, categories=[mine])
        assert ids(found) == wanted

    @pytest.mark.parametrize("limit", [1, 2, 500])
    async def test_several_categories_come_in_total_order(self, store, limit):
        categories = [unique_category() for _ in range(3)]
        wanted = []
        for version in range(4):
            for category in categories:
                new = event()
                await store.append(f"{category}-1", [new], expected=version - 1)
                if category != categories[1]:
                    wanted.append(new.id)
        chosen = {categories[0], categories[2], unique_category()}
        found = await page_through(store, after=None, limit=limit, categories=chosen)
        assert ids(found) == wanted

    @pytest.mark.parametrize("limit", [1, 2, 500])
    @pytest.mark.parametrize("of", [1, 2, 3, 16])
    async def test_shares_have_every_event_once_in_order(self, store, of, limit):
        categories, wanted = [unique_category(), unique_category()], {}
        for end in ("0", "1", "a", "B", "z", "-", "é", "9"):
            for category in (*categories, unique_category()):
                events = some(2)
                await store.append(f"{category}-x{end}", events, expected=NONE)
                if category in categories:
                    number = int(end, 36) % of if end.isascii() and end.isalnum() else 0
                    wanted.setdefault(number, []).extend(ids(events))
        for number in range(of):
            found = await share_of(store, Share(number, of), limit=limit, categories=categories)
            assert ids(found) == wanted.get(number, [])

    async def test_position_moves_past_events_of_other_categories(self, store, start):
        stream = unique()
        appended = await store.append(stream, some(3), expected=NONE)
        page = await store.read_all(after=start, categories=[unique_category()])
        assert (list(page.events), page.at_end) == ([], True)
        assert part_for(page.position, stream) >= appended.position

    async def test_no_categories_are_no_events(self, store, start):
        stream = unique()
        appended = await store.append(stream, some(3), expected=NONE)
        page = await store.read_all(after=start, categories=[])
        assert (list(page.events), part_for(page.position, stream)) == ([], appended.position)

    @pytest.mark.parametrize("position", ["", "x", "-1", "1.5", "9" * 40])
    async def test_what_is_no_position_is_refused(self, store, position):
        with pytest.raises(InvalidPosition):
            await store.read_all(after=Position(position))
