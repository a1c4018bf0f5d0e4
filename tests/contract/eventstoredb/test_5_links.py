from __future__ import annotations

import pytest
from esdbclient import NewEvent

from tests.contract.event_store.support import unique
from tests.contract.eventstoredb.raw import reading
from tests.contract.eventstoredb.support import ANY, NO_STREAM, ids, some


@pytest.fixture
async def linked(client, stream):
    """A stream of links to the second event of a stream, and that stream."""
    target = unique()
    await client.append_to_stream(target, current_version=NO_STREAM, events=some(2))
    link = NewEvent("$>", f"1@{target}".encode(), content_type="application/octet-stream")
    await client.append_to_stream(stream, current_version=NO_STREAM, events=[link])
    return target


async def test_5_11_a_link_is_an_event_unless_resolved(client, linked, stream):
    """5.11: unresolved, the link itself is the event."""
    [event] = await client.get_stream(stream)

    assert (event.type, event.data) == ("$>", f"1@{linked}".encode())
    assert event.is_link_event


async def test_5_11_a_resolved_link_is_its_target_and_the_link(client, raw, linked, stream):
    """5.11: event is the target, link the link; the position is the link's."""
    [link] = await client.get_stream(stream)
    [_, target] = await client.get_stream(linked)

    [read] = await raw.read_events(reading(stream, resolve_links=True))
    [event] = await client.get_stream(stream, resolve_links=True)

    assert read.commit_position == link.commit_position
    assert read.link.id.string == str(link.id)
    assert read.event.id.string == str(target.id)
    assert event.is_resolved_event
    assert ids([event, event.link]) == ids([target, link])
    assert event.stream_name == linked


@pytest.mark.parametrize("how", ["delete_stream", "tombstone_stream"])
async def test_5_11_a_link_to_what_is_gone_is_only_a_link(client, raw, linked, stream, how):
    """5.11: the target is missing or deleted: no event, which the client leaves out."""
    await getattr(client, how)(linked, current_version=ANY)

    [read] = await raw.read_events(reading(stream, resolve_links=True))

    assert read.HasField("link")
    assert not read.HasField("event")
    assert await client.get_stream(stream, resolve_links=True) == ()
