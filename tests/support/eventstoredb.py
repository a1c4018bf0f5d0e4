"""An EventStoreDB to test against: the one a variable names, or a development server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

from tests.support.cli import ORDERLOG

REAL_SERVER = os.environ.get("ORDERLOG_TEST_EVENTSTOREDB", "")
"""URI of a real server; empty when the development server is to be tested."""

HOST = "127.0.0.1"


class DevelopmentServer:
    """`orderlog serve event-store` as a process of its own, on one folder and one port."""

    def __init__(self, folder: Path, **settings: object) -> None:
        """Prepare it; `settings` are `ORDERLOG_EVENT_STORE_*`."""
        self.folder = folder
        self.port = free_port()
        self.uri = f"esdb://{HOST}:{self.port}?Tls=false"
        self._settings = {"host": HOST, "port": self.port, "data": folder, **settings}
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start, and return when it can be asked."""
        own = {f"ORDERLOG_EVENT_STORE_{n.upper()}": str(v) for n, v in self._settings.items()}
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("ORDERLOG_")}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [ORDERLOG, "serve", "event-store"],
                cwd=self.folder,
                env={**inherited, **own, "ORDERLOG_DATA": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        printed = self._process.stdout.readline()
        if f":{self.port}" not in printed:
            self.kill()
            raise AssertionError(f"it did not start: {printed}{self.log()}")

    def kill(self) -> None:
        """End it at once, as a power cut would; nothing happens when it has ended before."""
        if self._process:
            self._process.kill()
            self._ended()

    def stop(self) -> None:
        """Ask it to stop, and wait until it did."""
        self._process.send_signal(signal.SIGTERM)
        ended = self._ended()
        assert ended == 0, f"it ended with {ended}: {self.log()}"

    def log(self) -> str:
        """What it wrote while running, over all starts."""
        return self._log.read_text()

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _ended(self) -> int:
        process, self._process = self._process, None
        with process:
            try:
                return process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return listening.getsockname()[1]
