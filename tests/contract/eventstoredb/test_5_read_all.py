from __future__ import annotations

import grpc
import pytest
from esdbclient.exceptions import NotFound
from esdbclient.protos.Grpc import shared_pb2, streams_pb2

from tests.contract.eventstoredb.raw import filtering, reading, refusal
from tests.contract.eventstoredb.support import (
    ANY,
    NO_STREAM,
    end_of_all,
    happened,
    ids,
    listed,
    positions,
    some,
)

OPTIONS = streams_pb2.ReadReq.Options
SUBSCRIBING = {"subscription": OPTIONS.SubscriptionOptions()}
BACKWARDS = {"read_direction": OPTIONS.Backwards}


@pytest.fixture
async def written(client, category, start):
    """Ten events of one category, behind everything else; their positions."""
    return [
        await client.append_to_stream(f"{category}-{number % 3}", current_version=ANY, events=[one])
        for number, one in enumerate(some(10))
    ]


def of(category):
    return {"filter_include": [f"{category}-.*"], "filter_by_stream_name": True}


async def read(client, category, **options):
    return positions(await listed(client.read_all(**of(category), **options)))


@pytest.mark.parametrize(
    "request_",
    [
        reading("s", filter=filtering(types=["a"])),
        reading("s", **SUBSCRIBING, **BACKWARDS),
        reading(**SUBSCRIBING, **BACKWARDS),
        reading(filter=filtering(types=["a"]), **SUBSCRIBING, **BACKWARDS),
        streams_pb2.ReadReq(options=OPTIONS(count=1, no_filter=shared_pb2.Empty())),
    ],
    ids=["stream-filter", "stream-backwards", "all-backwards", "filter-backwards", "neither"],
)
async def test_5_1_other_combinations_are_refused(raw, request_):
    """5.1: filters are for all only, subscriptions go forwards, and something must be named."""
    error = await refusal(raw.read(request_))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_5_7_forwards_from_a_position_inclusive(client, written, category):
    """5.7: forwards from P: the event at P, and what follows."""
    assert await read(client, category) == written
    assert await read(client, category, commit_position=written[4]) == written[4:]
    assert await read(client, category, commit_position=written[4] + 1) == written[5:]
    assert await read(client, category, commit_position=written[4], limit=2) == written[4:6]


async def test_5_7_backwards_from_a_position_exclusive(client, written, category):
    """5.7: backwards from P: what comes before P, without the event at P."""
    back = written[::-1]
    assert await read(client, category, backwards=True) == back
    at = {"backwards": True, "commit_position": written[4]}
    assert await read(client, category, **at) == written[:4][::-1]
    assert await read(client, category, **at, limit=2) == [written[3], written[2]]


async def test_5_7_without_filter_the_same_bounds_hold(client, written):
    """5.7: inclusive forwards, exclusive backwards, also unfiltered."""
    at = {"commit_position": written[4], "filter_exclude": ()}

    assert positions(await listed(client.read_all(**at)))[:6] == written[4:]
    back = await listed(client.read_all(**at, backwards=True, limit=3))
    assert positions(back) == [written[3], written[2], written[1]]


async def test_5_7_past_the_end_there_is_nothing(client, written):
    """5.7: forwards from behind the last event: nothing; backwards from the start: nothing."""
    beyond = await end_of_all(client) + 1

    assert await listed(client.read_all(commit_position=beyond, filter_exclude=())) == []
    back = client.read_all(commit_position=0, backwards=True, filter_exclude=())
    assert await listed(back) == []


async def test_5_7_all_is_the_same_in_both_directions(client, written, start):
    """5.7: backwards is forwards reversed, system events included."""
    forwards = await listed(client.read_all(commit_position=start, filter_exclude=()))
    backwards = await listed(
        client.read_all(backwards=True, filter_exclude=(), limit=len(forwards))
    )

    assert backwards == forwards[::-1]
    assert positions(forwards) == sorted(positions(forwards))


async def test_5_7_all_has_system_events_and_those_of_deleted_streams(client, stream, start):
    """5.7: metadata, tombstones, and the events of streams that are gone."""
    new = some(2)
    await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
    await client.delete_stream(stream, current_version=1)
    with pytest.raises(NotFound):
        await client.get_stream(stream)
    await client.tombstone_stream(stream, current_version=1)

    seen = await listed(client.read_all(commit_position=start + 1, filter_exclude=()))

    mine = [event for event in seen if event.stream_name in (stream, f"$${stream}")]
    assert [event.type for event in mine] == ["Happened", "Happened", "$metadata", "$streamDeleted"]
    assert ids(mine)[:2] == ids(new)


@pytest.mark.parametrize("kind", ["checkpoint", "parked"])
async def test_5_8_what_subscriptions_to_all_keep_is_hidden(client, category, start, kind):
    """5.8: checkpoints and parked messages of subscriptions to all pass no filter."""
    hidden, type_ = f"$persistentsubscription-$all::{category}-{kind}", f"Type{category}"
    for name in (hidden, f"$other-{category}"):
        await client.append_to_stream(name, current_version=ANY, events=[happened(type=type_)])

    filtered = await listed(client.read_all(commit_position=start, filter_include=[type_]))
    everything = await listed(client.read_all(commit_position=start, filter_exclude=()))

    assert [event.stream_name for event in filtered] == [f"$other-{category}"]
    assert [event.stream_name for event in everything if event.type == type_] == [
        hidden,
        f"$other-{category}",
    ]


async def test_5_8_epochs_are_hidden(client, start):
    """5.8: `$epoch-information` passes no filter."""
    epoch = "$epoch-information"
    position = await client.append_to_stream(
        epoch, current_version=ANY, events=[happened(type=epoch)]
    )

    wanted = {"commit_position": start, "filter_include": [rf"\{epoch}"]}
    for by_stream in (False, True):
        assert await listed(client.read_all(**wanted, filter_by_stream_name=by_stream)) == []
    everything = await listed(client.read_all(commit_position=start, filter_exclude=()))
    assert position in positions(everything)


async def test_5_9_by_default_the_client_leaves_system_events_out(client, stream, start):
    """5.9: types that begin with `$` or are `PersistentConfig…` do not pass the default filter."""
    types = ["$Mine", "PersistentConfig1", "PersistentConfigX", "Other$", "Happened"]
    events = [happened(type=type_) for type_ in types]
    await client.append_to_stream(stream, current_version=NO_STREAM, events=events)

    seen = await listed(client.read_all(commit_position=start + 1))

    mine = [event.type for event in seen if event.stream_name == stream]
    assert mine == ["PersistentConfigX", "Other$", "Happened"]
