from __future__ import annotations

import subprocess

import grpc
import pytest
from esdbclient import AsyncEventStoreDBClient
from esdbclient.exceptions import GrpcError, ServiceUnavailable

from tests.contract.eventstoredb.raw import Raw, reading, refusal, trailers
from tests.contract.eventstoredb.support import NO_STREAM, ids, some, take
from tests.support.eventstoredb import HOST, DevelopmentServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "server.pem", folder / "server.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}"]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, *names, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture(scope="module")
def secure(tmp_path_factory, certificate):
    """A server with a certificate that knows one user."""
    server = DevelopmentServer(
        tmp_path_factory.mktemp("eventstoredb"),
        certificate=certificate[0],
        key=certificate[1],
        user="shop",
        password="open sesame",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def connect(secure, certificate):
    """A client that says it is somebody."""
    clients = []

    async def connect_as(user, password):
        client = AsyncEventStoreDBClient(
            f"esdb://{user}:{password}@{HOST}:{secure.port}",
            root_certificates=certificate[0].read_bytes(),
        )
        await client.connect()
        clients.append(client)
        return client

    yield connect_as
    for client in clients:
        await client.close()


async def test_1_with_the_certificate_and_the_password_all_is_as_ever(connect, stream):
    """1: over TLS, with user and password, events are written, read and followed."""
    client = await connect("shop", "open sesame")
    new = some(2)
    async with await client.subscribe_to_stream(stream) as subscription:
        await client.append_to_stream(stream, current_version=NO_STREAM, events=new)
        assert ids(await take(subscription, 2)) == ids(new)
    assert ids(await client.get_stream(stream)) == ids(new)


@pytest.mark.parametrize("who", [("shop", "wrong"), ("other", "open sesame")])
async def test_3_14_a_wrong_password_is_access_denied(connect, stream, who):
    """3.14: PERMISSION_DENIED, "Access Denied" and its trailer, whatever one asks."""
    client = await connect(*who)
    raw = Raw(client)
    calls = [
        lambda: raw.append(stream, NO_STREAM, some(1)),
        lambda: raw.read(reading(stream)),
        lambda: raw.delete(stream, 0),
        lambda: raw.tombstone(stream, 0),
    ]
    for call in calls:
        error = await refusal(call())
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert error.details() == "Access Denied"
        assert trailers(error, of={"exception"}) == {"exception": "access-denied"}
    with pytest.raises(GrpcError):
        await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))


async def test_3_14_without_a_password_it_is_access_denied(connect, stream):
    """3.14: nobody in particular is denied."""
    raw = Raw(await connect("shop", "open sesame"))
    raw.given["credentials"] = None

    error = await refusal(raw.read(reading(stream)))

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_1_without_tls_there_is_no_connection(secure, stream):
    """1: a server with a certificate speaks to nobody who does not encrypt."""
    async with AsyncEventStoreDBClient(f"esdb://{HOST}:{secure.port}?Tls=false") as client:
        await client.connect()

        with pytest.raises(ServiceUnavailable):
            await client.append_to_stream(stream, current_version=NO_STREAM, events=some(1))
