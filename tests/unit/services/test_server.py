"""A server ends with whoever started it, and can be stopped, held and started again before."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.server import Server, free_port

# Says its process id, and that it was asked to end.
PROGRAM = """
import os, signal, sys
def end(*_):
    print("asked to end", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("pid", os.getpid(), flush=True)
signal.pause()
signal.pause()
"""


class Small(Server):
    """A server that is ready once it said who it is."""

    program = PROGRAM

    @property
    def address(self) -> str:
        return f"small:{self.port}"

    def prepare(self) -> list[str]:
        return [sys.executable, "-c", self.program]

    def is_ready(self) -> bool:
        return self.log().count("pid") > self.log().count("asked")


class Broken(Small):
    """A server that does not start."""

    program = "raise SystemExit('the port is taken')"


@pytest.fixture
def server(tmp_path):
    server = Small(tmp_path / "server")
    yield server
    server.kill()


def pid_of(log: str) -> int:
    return int(log.rsplit("pid ", 1)[1].split()[0])


def test_it_is_asked_to_end_and_can_start_again(server):
    server.start()
    address = server.address
    server.restart()

    assert server.is_running
    assert server.address == address
    assert server.log().count("asked to end") == 1


def test_a_killed_one_is_not_asked(server):
    server.start()
    server.kill()
    server.kill()

    assert not server.is_running
    assert "asked" not in server.log()


def test_a_held_one_can_be_killed(server):
    server.start()
    server.hold()
    server.kill()

    assert not server.is_running


def test_one_that_ends_while_it_starts_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="the port is taken"):
        Broken(tmp_path).start()


def test_an_abandoned_one_does_not_start(server):
    server.abandon()
    with pytest.raises(RuntimeError, match="ended while it started"):
        server.start()


def test_it_dies_with_a_parent_that_is_killed(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    guard, child = (int(pid) for pid in parent.stdout.readline().split())
    watched = [os.pidfd_open(pid) for pid in (guard, child)]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    for descriptor in watched:
        assert _ended(descriptor)


def test_it_dies_with_a_guard_that_is_killed(server):
    server.start()
    descriptor = os.pidfd_open(pid_of(server.log()))
    server._process.kill()

    assert _ended(descriptor)


def test_a_port_is_not_one_that_connections_are_given():
    lowest = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not lowest.exists():
        pytest.skip("this system does not tell which ports it gives to connections")
    assert free_port() < int(lowest.read_text().split()[0])


_PARENT = """
import sys
from pathlib import Path
from tests.unit.services.test_server import Small, pid_of
server = Small(Path(sys.argv[1]))
server.start()
print(server._process.pid, pid_of(server.log()), flush=True)
sys.stdin.read()
import signal; signal.pause()
"""


def _ended(descriptor: int) -> bool:
    """Whether this process ends within seconds."""

    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)
