"""Persistent subscriptions: settings are kept, nothing is delivered."""

from __future__ import annotations

from contextlib import asynccontextmanager

import grpc
import pytest
from esdbclient import AsyncEventStoreDBClient
from esdbclient.exceptions import AlreadyExists, NotFound
from esdbclient.protos.Grpc import persistent_pb2, persistent_pb2_grpc, shared_pb2

from event_store.dev_server.server import running_server


def _named(kind, **more):
    stream = shared_pb2.StreamIdentifier(stream_name=b"s-1")
    return kind.Options(stream_identifier=stream, group_name="readers", **more)


def _creation(**settings):
    settings = {"read_batch_size": 20, "history_buffer_size": 500, **settings}
    kind = persistent_pb2.CreateReq
    return kind(options=_named(kind, settings=kind.Settings(**settings)))


@pytest.fixture
def subscriptions(channel):
    return persistent_pb2_grpc.PersistentSubscriptionsStub(channel)


async def _refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    error = raised.value
    return error.code(), dict([*error.trailing_metadata()]).get("exception"), error.details()


async def test_one_is_created_once(subscriptions):
    await subscriptions.Create(_creation())
    assert await _refusal(subscriptions.Create(_creation())) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "persistent-subscription-exists",
        "Subscription group readers on stream s-1 exists.",
    )


async def test_one_that_is_missing_is_neither_updated_nor_deleted(subscriptions):
    update, delete = persistent_pb2.UpdateReq, persistent_pb2.DeleteReq
    settings = update.Settings(read_batch_size=20, history_buffer_size=500)
    for call in (
        subscriptions.Update(update(options=_named(update, settings=settings))),
        subscriptions.Delete(delete(options=_named(delete))),
    ):
        code, exception, _ = await _refusal(call)
        assert code is grpc.StatusCode.NOT_FOUND
        assert exception == "persistent-subscription-does-not-exist"


@pytest.mark.parametrize("wrong", [{"read_batch_size": 500}, {"consumer_strategy": "Whoever"}])
async def test_settings_that_make_no_sense_are_refused(subscriptions, wrong):
    code, _, _ = await _refusal(subscriptions.Create(_creation(**wrong)))
    assert code is grpc.StatusCode.INTERNAL


async def test_reading_says_where_it_is_possible(subscriptions):
    kind = persistent_pb2.GetInfoReq
    code, _, details = await _refusal(subscriptions.GetInfo(kind(options=_named(kind))))
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "KurrentDB" in details


@asynccontextmanager
async def _client(path):
    async with running_server(path) as server, AsyncEventStoreDBClient(server.uri) as client:
        await client.connect()
        yield client


async def test_they_outlive_the_server_and_are_deleted_through_the_client(tmp_path):
    async with _client(tmp_path / "events.db") as client:
        await client.create_subscription_to_all(group_name="all", from_end=True)
        await client.create_subscription_to_stream(group_name="one", stream_name="s-1")
    async with _client(tmp_path / "events.db") as client:
        with pytest.raises(AlreadyExists):
            await client.create_subscription_to_all(group_name="all")
        await client.delete_subscription(group_name="all")
        await client.delete_subscription(group_name="one", stream_name="s-1")
        with pytest.raises(NotFound):
            await client.delete_subscription(group_name="one", stream_name="s-1")
        assert await client.list_subscriptions() == []
