from __future__ import annotations

import re

import pytest

from tests.contract.eventstoredb.raw import filtering, names_of, reading
from tests.contract.eventstoredb.support import ANY, happened, listed


@pytest.fixture
def write(client, start):
    """Write one event to each of these streams, or of each of these types."""

    async def write_them(*, streams=(), types=(), stream=None):
        for name in streams:
            await client.append_to_stream(name, current_version=ANY, events=[happened()])
        if types:
            events = [happened(type=type_) for type_ in types]
            await client.append_to_stream(stream, current_version=ANY, events=events)

    return write_them


@pytest.fixture
def streams_by(raw):
    """Which streams' events a filter lets through."""

    async def read(**options):
        wanted = filtering(**options)
        return names_of(await raw.read_events(reading(filter=wanted)))

    return read


@pytest.fixture
def types_by(raw, stream):
    """Which types of events of the test's stream a filter lets through."""

    async def read(**options):
        found = await raw.read_events(reading(filter=filtering(**options)))
        return [
            read.event.metadata["type"]
            for read, name in zip(found, names_of(found), strict=True)
            if name == stream
        ]

    return read


async def test_5_10_streams_by_prefix(write, streams_by, category):
    """5.10: a prefix is compared as it is: `order-` is not one of `orders-1`."""
    names = [f"{category}-1", f"{category}s-1", f"{category}", f"{category}-", f"x{category}-1"]
    await write(streams=names)

    assert await streams_by(streams=[f"{category}-"]) == [f"{category}-1", f"{category}-"]
    assert await streams_by(streams=[category]) == names[:4]


async def test_5_10_streams_by_any_of_several_prefixes(write, streams_by, category):
    """5.10: one of the prefixes is enough; an event comes once though several match."""
    await write(streams=[f"{category}a-1", f"{category}b-1", f"{category}c-1", f"{category}a-2"])

    wanted = [f"{category}a-", f"{category}c", f"{category}a"]

    assert await streams_by(streams=wanted) == [
        f"{category}a-1",
        f"{category}c-1",
        f"{category}a-2",
    ]


@pytest.mark.parametrize(
    "special", ["%", "_", "*", "?", "[a]", "\\", "'", '"', ".", "^", "ä", "事"]
)
async def test_5_10_no_character_of_a_prefix_is_special(write, streams_by, category, special):
    """5.10: nothing in a prefix stands for anything but itself."""
    await write(streams=[f"{category}{special}-1", f"{category}a-1", f"{category}-1"])

    assert await streams_by(streams=[f"{category}{special}"]) == [f"{category}{special}-1"]


async def test_5_10_prefixes_are_ordinal(write, streams_by, category):
    """5.10: case counts, and letters that look or sort alike are not the same."""
    await write(
        streams=[f"{category}-Ab", f"{category}-ab", f"{category}-äb", f"{category}-a\u0308b"]
    )

    assert await streams_by(streams=[f"{category}-A"]) == [f"{category}-Ab"]
    assert await streams_by(streams=[f"{category}-a"]) == [f"{category}-ab", f"{category}-a\u0308b"]
    assert await streams_by(streams=[f"{category}-ä"]) == [f"{category}-äb"]


async def test_5_10_types_by_prefix(write, types_by, stream, category):
    """5.10: the same for types, several at once."""
    types = [f"{category}Placed", f"{category}PlacedTwice", f"{category}paid", f"X{category}Placed"]
    await write(types=types, stream=stream)

    assert await types_by(types=[f"{category}Placed"]) == types[:2]
    assert await types_by(types=[f"{category}PlacedT", f"{category}paid"]) == types[1:3]


async def test_5_10_a_regular_expression_is_searched(write, types_by, stream, category):
    """5.10: it may match anywhere in the type, unless it says otherwise."""
    types = [f"{category}Placed", f"x{category}", f"a{category}z", "Other"]
    await write(types=types, stream=stream)

    assert await types_by(types=category) == types[:3]
    assert await types_by(types=f"^{category}") == types[:1]
    assert await types_by(types=f"{category}$") == types[1:2]


async def test_5_10_a_regular_expression_comes_before_prefixes(
    write, raw, types_by, category, stream
):
    """5.10: a regex that is not empty is what counts; an empty one leaves the prefixes."""
    types = [f"{category}A", f"{category}B"]
    await write(types=types, stream=stream)
    wanted = filtering(types=[f"{category}A"])
    wanted.event_type.regex = f"^{category}B$"

    found = await raw.read_events(reading(filter=wanted))

    assert [read.event.metadata["type"] for read in found] == [f"{category}B"]


async def test_5_10_streams_by_regular_expression(write, streams_by, category):
    """5.10: searched in the name of the stream, too."""
    await write(streams=[f"{category}-1", f"{category}-23", f"x-{category}-4"])

    assert await streams_by(streams=f"^{category}-[0-9]$") == [f"{category}-1"]
    assert await streams_by(streams=rf"{category}-\d+") == [
        f"{category}-1",
        f"{category}-23",
        f"x-{category}-4",
    ]


@pytest.mark.parametrize(
    "form",
    ["^{0}-a", "^{0}-(a|b)", "^({0}-a|{0}-b)$", "^(?:{0}-a|x).*$", "^{0}-a|^{0}-b", "^{0}-a|{0}-b$",
     "{0}-a|^{0}-b", "^{0}-a*$", "^{0}-a.", "^{0}-[ab]", r"^{0}\-a", r"^{0}-a\+", r"^{0}-\d",
     "^{0}-a$", "^{0}-a?b", "^{0}-a{{2}}", "(?i)^{0}-A", "^(x|{0})-a.*$", "-{0}|^{0}-1", "^{0}-|"],
)  # fmt: skip
async def test_5_10_a_regular_expression_may_have_any_form(write, streams_by, category, form):
    """5.10: whether or not a server could look prefixes up instead, the same events come."""
    regex = form.format(category)
    names = [f"{category}-{end}" for end in ("a", "ab", "aa", "b", "B", "A", "a+", "1", "", "c-a")]
    names += [f"x-{category}", f"x{category}-b", category, f"{category}s-a"]
    await write(streams=names)

    found = await streams_by(streams=regex)

    mine = [name for name in found if category in name]
    assert mine == [name for name in names if re.search(regex, name)]


async def test_5_10_what_the_client_includes_is_anchored_at_the_outer_ends_only(
    client, write, stream, category
):
    """5.10: two patterns a, b are sent as `^a|b$`, which is (^a)|(b$), and so they are taken."""
    one, two = f"{category}One", f"{category}Two"
    types = [one, two, f"{one}More", f"More{two}", f"More{one}", f"{two}More"]
    await write(types=types, stream=stream)

    seen = await listed(client.read_all(filter_include=[one, two]))

    assert [event.type for event in seen] == [one, two, f"{one}More", f"More{two}"]


async def test_5_10_what_the_client_excludes_is_left_out(client, write, stream, category, start):
    """5.10: excluded patterns are whole names."""
    one, two = f"{category}One", f"{category}Two"
    types = [one, two, f"{one}More", "Other"]
    await write(types=types, stream=stream)

    seen = await listed(client.read_all(commit_position=start + 1, filter_exclude=[one, two]))

    assert [event.type for event in seen if event.stream_name == stream] == [f"{one}More", "Other"]


async def test_5_10_a_limit_counts_what_matches(client, write, category, start):
    """5.10: however many others are in between, in both directions."""
    wanted = {"filter_include": [f"{category}-.*"], "filter_by_stream_name": True}
    await write(
        streams=[f"{category}-{n}" if n % 8 == 0 else f"other{category}" for n in range(40)]
    )

    forwards = await listed(client.read_all(commit_position=start, **wanted, limit=3))
    backwards = await listed(client.read_all(backwards=True, **wanted, limit=3))

    assert [event.stream_name for event in forwards] == [f"{category}-{n}" for n in (0, 8, 16)]
    assert [event.stream_name for event in backwards] == [f"{category}-{n}" for n in (32, 24, 16)]
