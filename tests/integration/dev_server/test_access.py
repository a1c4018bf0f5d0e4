"""Certificate, user and password."""

from __future__ import annotations

import subprocess

import grpc
import pytest
from esdbclient import AsyncEventStoreDBClient, NewEvent, StreamState
from esdbclient.protos.Grpc import gossip_pb2

from event_store.dev_server.access import Credentials
from event_store.dev_server.server import running_server

GOSSIP = "/event_store.client.gossip.Gossip/Read"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
async def guarded(tmp_path, certificate):
    pem, key = (file.read_bytes() for file in certificate)
    credentials = Credentials(pem, key, "shop", "secret")
    async with running_server(tmp_path / "events.db", credentials=credentials) as server:
        yield server


async def test_the_user_gets_in_over_an_encrypted_connection(guarded, certificate):
    uri = f"esdb://shop:secret@localhost:{guarded.port}?TlsCaFile={certificate[0]}"
    async with AsyncEventStoreDBClient(uri) as client:
        await client.connect()
        await client.append_to_stream(
            "s-1", current_version=StreamState.NO_STREAM, events=[NewEvent("Happened", b"{}")]
        )
        assert [event.type for event in await client.get_stream("s-1")] == ["Happened"]


@pytest.mark.parametrize(
    "metadata", [(), (("authorization", "Basic c2hvcDp3cm9uZw=="),), (("authorization", "x"),)]
)
async def test_nobody_else_gets_in(guarded, certificate, metadata):
    encrypted = grpc.ssl_channel_credentials(certificate[0].read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{guarded.port}", encrypted) as channel:
        ask = channel.unary_unary(GOSSIP)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(b"", metadata=metadata)
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert raised.value.details() == "Access Denied"
    assert dict([*raised.value.trailing_metadata()])["exception"] == "access-denied"


async def test_nothing_is_said_without_encryption(guarded):
    async with grpc.aio.insecure_channel(f"localhost:{guarded.port}") as channel:
        ask = channel.unary_unary(GOSSIP)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(b"")
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_advertised_address_is_what_was_set(tmp_path):
    running = running_server(
        tmp_path / "events.db", advertise_host="db.example.com", advertise_port=1113
    )
    async with (
        running as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        ask = channel.unary_unary(GOSSIP, None, gossip_pb2.ClusterInfo.FromString)
        [member] = (await ask(b"")).members
    assert (member.http_end_point.address, member.http_end_point.port) == ("db.example.com", 1113)
