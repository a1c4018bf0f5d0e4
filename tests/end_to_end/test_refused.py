"""What keeps a server from starting is told in one line, and ends it with exit code 1."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.shop import ok
from tests.end_to_end.system import System


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


async def test_a_second_server_on_the_same_data_ends_and_harms_nobody(system: System):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        same, same_demo, in_use = await asyncio.gather(
            refusal(system, "serve"),
            refusal(system, "demo"),
            refusal(system, "serve", data=system.folder / "other", port=port),
        )
    for line in (same, same_demo):
        assert f"Another orderlog serves from {system.data} already" in line
        assert "ORDERLOG_DATA" in line
    assert f"127.0.0.1:{port} can't be listened on" in in_use
    assert "ORDERLOG_PORT" in in_use
    async with system.client() as client:
        ok(await client.get("/health/ready"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "abc"),
        ("port", 65536),
        ("jwt_secret", "too short"),
        ("consistency_wait_seconds", -1),
        ("sign_ins_per_email", "often"),
        ("log_level", "loud"),
        ("log_format", "xml"),
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, name: str, value: object):
    line = line_of(System(tmp_path).orderlog("serve", **{name: value}))
    assert f"ORDERLOG_{name.upper()}" in line
    if name == "jwt_secret":
        assert str(value) not in line


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
    lines = await asyncio.gather(
        refusal(system, "serve", data=file),
        refusal(system, "serve", data=file / "below"),
        refusal(system, "serve", data=damaged),
        refusal(system, "serve", data=broken),
    )
    for line, path in zip(lines, (file, file, damaged, broken), strict=True):
        assert str(path) in line
    assert "event store" in lines[2]
    assert "read models" in lines[3]
    assert file.read_text() == "mine"
