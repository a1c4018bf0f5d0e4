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
    return error.code(), dict([*error.trailing_metadata()]).get("exception")


async def test_one_that_is_missing_is_neither_updated_nor_deleted(subscriptions):
    update, delete = persistent_pb2.UpdateReq, persistent_pb2.DeleteReq
    settings = update.Settings(read_batch_size=20, history_buffer_size=500)
    for call in (
        subscriptions.Update(update(options=_named(update, settings=settings))),
        subscriptions.Delete(delete(options=_named(delete))),
    ):
        code, exception = await _refusal(call)
        assert code is grpc.StatusCode.NOT_FOUND
        assert exception == "persistent-subscription-does-not-exist"


async def test_a_strategy_that_is_none_is_refused(subscriptions):
    code, _ = await _refusal(subscriptions.Create(_creation(consumer_strategy="Whoever")))
    assert code is grpc.StatusCode.INTERNAL


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
