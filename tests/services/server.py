"""A server as a process of its own, which tests may stop, kill, hold and start again."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

HOST = "127.0.0.1"
SMALL_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_GUARD = Path(__file__).with_name("guard.py")
_START_SECONDS = 100
_STOP_SECONDS = 30
_POLL_SECONDS = 0.05


class Server(ABC):
    """One server on a port and in a folder that it keeps when it is started again."""

    def __init__(self, folder: Path) -> None:
        """Prepare it; nothing is started or fetched."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._is_unwanted = False

    @property
    @abstractmethod
    def address(self) -> str:
        """What clients are given."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """See that all is there, in its folder too, and name the command that runs it.

        Raises:
            Missing: this machine lacks something.
        """

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers as clients need it to."""

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and return when it answers.

        Raises:
            Missing: this machine lacks something.
            RuntimeError: it ended, or did not answer in time; with the end of what it printed.
        """
        command = self.prepare()
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(_GUARD), *command],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                # Ctrl-C is for the tests, which then stop it.
                start_new_session=True,
            )
        if self._is_unwanted:
            self.kill()
        self._until_ready()

    def stop(self) -> None:
        """Ask it to end, and wait until it did."""
        self._end("SIGTERM")

    def kill(self) -> None:
        """End it at once, as a power cut would; nothing happens when it has ended before."""
        self._end("SIGKILL")

    def abandon(self) -> None:
        """End it for good, also while another thread is about to start it."""
        self._is_unwanted = True
        self.kill()

    def restart(self) -> None:
        """Stop, and start on the same port and data."""
        self.stop()
        self.start()

    def hold(self) -> None:
        """Let it stand still: connections stay open and nothing is answered."""
        self._signal("SIGSTOP")

    def go_on(self) -> None:
        """Let it go on after it stood still."""
        self._signal("SIGCONT")

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if not self.is_running:
                self.kill()
                raise RuntimeError(f"{self} ended while it started:\n{self.log()[-4000:]}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self} did not answer in time:\n{self.log()[-4000:]}")
            time.sleep(_POLL_SECONDS)

    def _end(self, name: str) -> None:
        process = self._process
        if process is None:
            return
        self._signal(name)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal("SIGKILL")
            process.wait()
        process.stdin.close()
        self._process = None

    def _signal(self, name: str) -> None:
        if self.is_running:
            try:
                self._process.stdin.write(f"{name}\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                self._process.wait()

    def __str__(self) -> str:
        return f"{type(self).__name__} on {self.address}"


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to connections.

    A client that tries again and again while the server is down could otherwise be given that
    very port, and would find itself connected to itself.
    """
    lowest = _lowest_given_port()
    while True:
        port = random.randrange(max(1024, lowest - 12_000), lowest)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def _lowest_given_port() -> int:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else 32768
    return lowest if lowest > 1100 else 32768
