"""`orderlog serve ...` as a user has it: what it needs, what it says, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess

import httpx
import pytest
from typer.testing import CliRunner

from bootstrap.main import command_line
from bootstrap.secrets_folder import make_secrets
from bootstrap.settings import Settings
from tests.support.cli import ORDERLOG

ALL = {
    "event_store": "esdb://127.0.0.1:1?Tls=false",
    "kafka": "127.0.0.1:1",
    "read_store": "http://127.0.0.1:1",
}
NEEDED = {
    "command-api": ("event_store",),
    "query-api": ("event_store", "read_store"),
    "relay": ("event_store", "kafka"),
    "projector": ("event_store", "kafka", "read_store"),
    "process-manager": ("event_store", "kafka"),
}


def refusal(tmp_path, *words: str, **settings: object) -> str:
    """The one line by which a command ends."""
    given = Settings(_env_file=None, data=tmp_path / "data", port=0, **settings)
    result = CliRunner().invoke(command_line(given), words)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "missing"), [(name, it) for name, needed in NEEDED.items() for it in needed]
)
def test_a_missing_setting_is_named(tmp_path, name, missing):
    others = {it: ALL[it] for it in ALL if it != missing}
    line = refusal(tmp_path, "serve", name, **others)
    assert f"serve {name} needs ORDERLOG_{missing.upper()}" in line


@pytest.mark.parametrize("name", ["command-api", "query-api", "process-manager"])
def test_missing_secrets_are_not_made(tmp_path, name):
    assert "orderlog secrets make" in refusal(tmp_path, "serve", name, **ALL)
    assert not (tmp_path / "data" / "secrets").exists()


@pytest.mark.parametrize("words", [("serve",), ("demo",)])
def test_all_in_one_process_is_refused_with_the_settings_of_services(tmp_path, words):
    assert "ORDERLOG_KAFKA is set" in refusal(tmp_path, *words, **ALL)


def test_a_context_in_a_file_is_refused(tmp_path):
    line = refusal(tmp_path, "serve", "relay", **ALL, sales_event_store="sqlite")
    assert "serve relay needs ORDERLOG_SALES_EVENT_STORE" in line


def test_an_address_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = Settings(_env_file=None, data=tmp_path / "data", port=port, **ALL)
        result = CliRunner().invoke(command_line(given), ["serve", "relay"])
    assert result.exit_code == 1
    assert f"127.0.0.1:{port} can't be listened on" in result.stderr


@pytest.fixture
def started(tmp_path):
    """Each service as a process of its own, with no server there."""
    secrets = tmp_path / "secrets"
    make_secrets(Settings(_env_file=None), secrets)
    clean = {name: it for name, it in os.environ.items() if not name.startswith("ORDERLOG_")}
    ours = {"data": tmp_path / "data", "port": 0, "secrets": secrets, "log_format": "json", **ALL}
    processes = {
        name: subprocess.Popen(
            [ORDERLOG, "serve", name],
            cwd=tmp_path,
            env=clean | {f"ORDERLOG_{name.upper()}": str(it) for name, it in ours.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in NEEDED
    }
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


def test_without_any_server_they_live_say_so_and_end_as_told(started):
    for name, process in started.items():
        line = process.stdout.readline()
        found = re.fullmatch(rf"orderlog {name}: (http://127\.0\.0\.1:\d+) \(.+\)\n", line)
        assert found, line
        assert httpx.get(f"{found[1]}/health/live").status_code == 200
        assert httpx.get(f"{found[1]}/health/ready").status_code == 503
        process.send_signal(signal.SIGTERM)
    for process in started.values():
        _, told = process.communicate(timeout=30)
        assert process.returncode == 0, told
        assert '"level":"error"' not in told
        assert "Traceback" not in told
