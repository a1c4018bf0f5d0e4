"""`orderlog serve event-store`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from esdbclient import AsyncEventStoreDBClient, NewEvent, StreamState
from esdbclient.exceptions import ServiceUnavailable

PROGRAM = [sys.executable, "-m", "bootstrap.main", "serve", "event-store"]


def _environment(tmp_path, **settings: str) -> dict[str, str]:
    given = {f"ORDERLOG_EVENT_STORE_{name.upper()}": value for name, value in settings.items()}
    return {
        **os.environ,
        "ORDERLOG_DATA": str(tmp_path),
        "ORDERLOG_EVENT_STORE_PORT": "0",
        **given,
    }


def _refused(tmp_path, **settings: str) -> str:
    done = subprocess.run(
        PROGRAM,
        env=_environment(tmp_path, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def process(tmp_path):
    with subprocess.Popen(
        PROGRAM,
        env=_environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.fixture
def uri(process):
    said = process.stdout.readline()
    assert said.startswith("The EventStoreDB protocol is served on esdb://127.0.0.1:")
    return said.split()[-1]


async def test_it_says_what_it_is_for_and_ends_subscriptions_when_told_to_stop(process, uri):
    async with AsyncEventStoreDBClient(uri) as client:
        await client.connect()
        await client.append_to_stream(
            "s-1", current_version=StreamState.NO_STREAM, events=[NewEvent("Happened", b"{}")]
        )
        subscription = await client.subscribe_to_all()
        assert (await anext(subscription)).type == "Happened"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ServiceUnavailable):
            await anext(subscription)
    assert await asyncio.to_thread(process.wait, 20) == 0
    assert "development and tests; in production use EventStoreDB (KurrentDB)" in (
        process.stderr.read()
    )


def test_a_second_one_on_the_same_data_says_so(process, uri, tmp_path):
    assert "serves from" in _refused(tmp_path)


def test_other_machines_are_let_in_on_purpose_only(tmp_path):
    assert "ORDERLOG_EVENT_STORE_INSECURE=true" in _refused(tmp_path, host="0.0.0.0")


def test_half_of_what_encryption_needs_is_refused(tmp_path):
    assert "needed together" in _refused(tmp_path, certificate="server.crt")


def test_a_certificate_that_is_not_there_is_named(tmp_path):
    missing = str(tmp_path / "none.crt")
    settings = {"certificate": missing, "key": missing, "password": "secret"}
    assert missing in _refused(tmp_path, **settings)
