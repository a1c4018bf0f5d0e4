from __future__ import annotations

from itertools import pairwise

from tests.contract.eventstoredb.support import (
    NO_STREAM,
    happened,
    listed,
    positions,
    revisions,
    some,
)

COUNT, BATCH, PAGE = 100_000, 1000, 10_000


async def write(client, stream):
    """A hundred thousand events, in batches."""
    expected = NO_STREAM
    for at in range(0, COUNT, BATCH):
        batch = [happened(number) for number in range(at, at + BATCH)]
        await client.append_to_stream(stream, current_version=expected, events=batch)
        expected = at + BATCH - 1


async def test_5_3_a_hundred_thousand_events_are_read_in_pages(client, stream):
    """5.3, 5.7: forwards all of them; backwards, and in all, what is at the edge of each page."""
    await write(client, stream)

    at_edges = []
    for at in range(0, COUNT, PAGE):
        page = await client.get_stream(stream, stream_position=at, limit=PAGE)
        assert revisions(page) == list(range(at, at + PAGE))
        assert [page[0].data, page[-1].data] == [b'{"n":%d}' % n for n in (at, at + PAGE - 1)]
        at_edges.append(page[-1])
    assert await client.get_stream(stream, stream_position=COUNT, limit=PAGE) == ()

    for edge in at_edges:
        revision, position = edge.stream_position, edge.commit_position
        backwards = await client.get_stream(
            stream, stream_position=revision, backwards=True, limit=50
        )
        assert revisions(backwards) == list(range(revision, revision - 50, -1))
        within = {"filter_include": [stream], "filter_by_stream_name": True, "limit": 50}
        forwards = await listed(client.read_all(commit_position=position, **within))
        assert revisions(forwards) == list(range(revision, COUNT))[:50]
        before = await listed(client.read_all(commit_position=position, backwards=True, **within))
        assert before == list(backwards[1:]) + before[-1:]


async def test_5_7_pages_of_all_in_both_directions_are_the_whole(client, category, start):
    """5.7: page after page of all, none is left out or comes twice at the seams."""
    for number in range(10):
        await client.append_to_stream(
            f"{category}-{number}", current_version=NO_STREAM, events=some(95)
        )
    wanted = {"filter_include": [f"{category}-.*"], "filter_by_stream_name": True, "limit": 100}

    forwards, position = [], start
    while page := await listed(client.read_all(commit_position=position, **wanted)):
        forwards += page
        position = page[-1].commit_position + 1
    backwards, position = [], None
    options = {"backwards": True, **wanted}
    while page := await listed(client.read_all(commit_position=position, **options)):
        backwards += page
        position = page[-1].commit_position

    assert len(forwards) == 950
    assert all(one < other for one, other in pairwise(positions(forwards)))
    assert backwards == forwards[::-1]
