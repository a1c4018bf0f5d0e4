"""An EventStoreDB to test against: the one a variable names, or a development server."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from event_store.dev_server.server import running_server

REAL_SERVER = os.environ.get("ORDERLOG_TEST_EVENTSTOREDB", "")
"""URI of a real server; empty when the development server is to be tested."""

HOST = "127.0.0.1"


class DevelopmentServer:
    """A development server as a process of its own, on one folder and one port."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        """Prepare it; `settings` are keyword arguments of `running_server`."""
        self.folder = folder
        self.port = free_port()
        self.uri = f"esdb://{HOST}:{self.port}?Tls=false"
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start, and return when it can be asked."""
        given = [str(self.folder), str(self.port), repr(self._settings)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.eventstoredb", *given],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = self._process.stdout.readline()
        assert ready == f"{self.port}\n", f"it did not start: {ready}"

    def kill(self) -> None:
        """End it at once, as a power cut would; nothing happens when it has ended before."""
        if self._process:
            self._process.kill()
            self._ended()

    def stop(self) -> None:
        """Ask it to stop, and wait until it did."""
        self._process.send_signal(signal.SIGTERM)
        assert self._ended() == 0

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


async def _serve(folder: str, port: str, settings: dict[str, Any]) -> None:
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    async with running_server(Path(folder) / "events.db", HOST, int(port), **settings) as server:
        print(server.port, flush=True)
        await asked_to_stop.wait()


if __name__ == "__main__":
    import ast

    asyncio.run(_serve(sys.argv[1], sys.argv[2], ast.literal_eval(sys.argv[3])))
