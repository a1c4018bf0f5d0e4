"""Encrypted connections, with a certificate authority, a user and a password in the URI."""

from __future__ import annotations

import subprocess
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from event_store.dev_server.access import Credentials
from event_store.dev_server.server import running_server
from event_store.errors import (
    AppendOutcomeUnknown,
    EventStoreError,
    EventStoreReadOnly,
    EventStoreUnavailable,
)
from event_store.port import StreamState
from tests.contract.event_store.support import event as new_event
from tests.support.stores import opened

USER, PASSWORD = "shop", "open-sesame"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*words: object) -> None:
    """Run the command line of OpenSSL."""
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_authority(folder: Path, name: str) -> Path:
    """The certificate of a new authority; its key lies beside it."""
    certificate = folder / f"{name}.pem"
    to = ("-keyout", certificate.with_suffix(".key"), "-out", certificate)
    openssl("req", "-x509", *CURVE, "-subj", f"/CN={name}", *to)
    return certificate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, and a certificate for `localhost` that the first has signed."""
    folder = tmp_path_factory.mktemp("tls")
    authority = make_authority(folder, "authority")
    make_authority(folder, "other")
    request, names = folder / "request", folder / "names"
    names.write_text("subjectAltName=DNS:localhost\n")
    openssl(
        "req", *CURVE, "-subj", "/CN=localhost", "-keyout", folder / "server.key", "-out", request
    )
    signed_by = ("-CA", authority, "-CAkey", authority.with_suffix(".key"), "-CAcreateserial")
    to = ("-extfile", names, "-out", folder / "server.pem")
    openssl("x509", "-req", "-in", request, *signed_by, *to)
    return folder


@asynccontextmanager
async def secure_server(folder: Path, tmp_path: Path):
    """A server that encrypts, and knows one user; yields its port."""
    certificate, key = ((folder / name).read_bytes() for name in ("server.pem", "server.key"))
    credentials = Credentials(certificate, key, USER, PASSWORD)
    async with running_server(tmp_path / "events.db", credentials=credentials) as server:
        yield server.port


def uri(port: int, authority: Path, user: str = USER, password: str = PASSWORD) -> str:
    return f"esdb://{user}:{password}@localhost:{port}?TlsCaFile={authority}"


async def test_right_authority_and_password_then_everything_works(folder: Path, tmp_path: Path):
    async with (
        secure_server(folder, tmp_path) as port,
        opened(uri(port, folder / "authority.pem")) as store,
    ):
        event = new_event()
        appended = await store.append("order-1", [event], expected=StreamState.NO_STREAM)
        assert [it.id for it in await store.read_stream("order-1")] == [event.id]
        async with aclosing(store.subscribe(categories=["order"])) as deliveries:
            delivery = await anext(deliveries)
        assert [it.position for it in delivery.events] == [appended.position]
        await store.save_checkpoint("subscriber", appended.position)
        assert await store.load_checkpoint("subscriber") == appended.position


@pytest.mark.parametrize(
    ("authority", "user", "password", "expected"),
    [
        ("authority.pem", USER, "a-wrong-guess", EventStoreReadOnly),
        ("authority.pem", "somebody", PASSWORD, EventStoreReadOnly),
        ("other.pem", USER, PASSWORD, EventStoreUnavailable),
    ],
)
async def test_anything_wrong_then_refused_without_telling_the_password(
    folder: Path, tmp_path: Path, authority, user, password, expected: type[EventStoreError]
):
    async with (
        secure_server(folder, tmp_path) as port,
        opened(uri(port, folder / authority, user, password)) as store,
    ):
        for attempt in (store.read_stream, store.stream_version, store.load_checkpoint):
            with pytest.raises(expected) as raised:
                await attempt("order-1")
            assert password not in str(raised.value)
            assert len(str(raised.value).splitlines()) == 1
        # Who could not even connect does not know whether an append arrived.
        with pytest.raises((expected, AppendOutcomeUnknown)):
            await store.append("order-1", [new_event()], expected=StreamState.NO_STREAM)


async def test_certificates_that_are_not_there_then_said_at_once(tmp_path: Path):
    with pytest.raises((EventStoreUnavailable, OSError)) as raised:
        async with opened(uri(1, tmp_path / "nothing.pem")):
            raise AssertionError
    assert PASSWORD not in str(raised.value)
