"""What keeps a server from starting is told in one line, and ends it with exit code 1."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest

from bootstrap.main import main
from tests.end_to_end.shop import ok
from tests.end_to_end.system import System
from tests.support.stores import KINDS


async def refusal(system: System, *words: object, **settings: object) -> str:
    """The one line that the command ends with."""
    done = await asyncio.to_thread(system.orderlog, *words, **settings)
    return line_of(done)


def line_of(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("orderlog: ")
    return lines[0]


# Processes of their own share nothing that one of them could have to itself.
@pytest.mark.parametrize("topology", KINDS, indirect=True)
async def test_a_second_server_on_the_same_data_ends_and_harms_nobody(system: System):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        same, in_use = await asyncio.gather(
            refusal(system, "serve"),
            refusal(system, "serve", data=system.folder / "other", port=port),
        )
    assert f"Another orderlog serves from {system.data} already" in same
    assert "ORDERLOG_DATA" in same
    assert f"127.0.0.1:{port} can't be listened on" in in_use
    assert "ORDERLOG_PORT" in in_use
    async with system.client() as client:
        ok(await client.get("/health/ready"))


async def test_settings_that_are_wrong_are_named(tmp_path: Path):
    system = System(tmp_path)
    port, secret = await asyncio.gather(
        refusal(system, "serve", port="abc"), refusal(system, "serve", jwt_secret="too short")
    )
    assert port.startswith("orderlog: ORDERLOG_PORT: ")
    assert secret.startswith("orderlog: ORDERLOG_JWT_SECRET: ")
    assert "too short" not in secret
    assert not system.data.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("CONSISTENCY_WAIT_SECONDS", "-1"),
        ("SIGN_INS_PER_EMAIL", "often"),
        ("SNAPSHOT_EVERY", "0"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_each_setting_is_checked_before_anything_is_done(monkeypatch, capsys, name, value):
    monkeypatch.setenv(f"ORDERLOG_{name}", value)
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert told.err.startswith(f"orderlog: ORDERLOG_{name}: ")
    assert len(told.err.splitlines()) == 1


async def test_data_that_can_not_be_used_is_named(tmp_path: Path):
    system = System(tmp_path)
    file = tmp_path / "a file"
    file.write_text("mine")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "events.db").write_text("this is no event store, " * 500)
    broken = tmp_path / "broken"
    (broken / "read-models").mkdir(parents=True)
    (broken / "read-models" / "catalogue.db").write_text("this is no catalogue, " * 500)
    forgot = tmp_path / "forgot"
    (forgot / "secrets").mkdir(parents=True)
    (forgot / "secrets" / "addresses").write_text("")
    lines = await asyncio.gather(
        refusal(system, "serve", data=file),
        refusal(system, "serve", data=damaged),
        refusal(system, "serve", data=broken),
        refusal(system, "serve", data=forgot),
    )
    for line, path in zip(lines, (file, damaged, broken, forgot), strict=True):
        assert str(path) in line
    assert "event store" in lines[1]
    assert "read models" in lines[2]
    assert "secret" in lines[3]
    assert file.read_text() == "mine"


PASSWORD = "open-sesame"
NOBODY_THERE = "127.0.0.1:1"


UNUSABLE = {
    f"https://shop:{PASSWORD}@example.com": "it is a URI such as esdb://",
    f"esdb://shop:{PASSWORD}@{NOBODY_THERE}?Tls=perhaps": "is not a URI of EventStoreDB",
    f"esdb://shop:{PASSWORD}@": "it is a URI such as esdb://",
    f"esdb://shop:{PASSWORD}@{PASSWORD}@{NOBODY_THERE}?Tls=false": "need percent-encoding",
    f"esdb://shop:{PASSWORD}/{PASSWORD}@{NOBODY_THERE}?Tls=false": "URI",
    f"esdb://{NOBODY_THERE}": "is not a URI of EventStoreDB",
    f"esdb://shop:{PASSWORD}@{NOBODY_THERE}?Tls=false": "can't be used",
    f"esdb://shop:{PASSWORD}@{NOBODY_THERE},127.0.0.1:2?Tls=false": "can't be opened",
    f"esdb+discover://shop:{PASSWORD}@{NOBODY_THERE}?Tls=false": "can't be opened",
    f"esdb://shop:{PASSWORD}@{NOBODY_THERE}?TlsCaFile=/no/such/file": "can't be opened",
    f"esdb://shop:{PASSWORD}@{NOBODY_THERE}?TlsCaFile={__file__}": "TlsCaFile",
}


async def test_event_store_that_can_not_be_used_is_told_without_its_password(tmp_path: Path):
    system = System(tmp_path)
    lines = await asyncio.gather(
        *(
            refusal(system, "serve", event_store=uri, data=tmp_path / str(number))
            for number, uri in enumerate(UNUSABLE)
        )
    )
    for line, told in zip(lines, UNUSABLE.values(), strict=True):
        assert line.startswith("orderlog: ORDERLOG_EVENT_STORE")
        assert told in line
        assert PASSWORD not in line


@pytest.mark.parametrize("topology", ["eventstoredb"], indirect=True)
async def test_backup_of_a_server_is_left_to_the_server(system: System):
    for word in ("backup", "restore"):
        line = await refusal(system, word, system.folder / "backup")
        assert "The events are in EventStoreDB" in line
    assert not (system.folder / "backup").exists()
