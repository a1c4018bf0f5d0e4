"""Where a running system's events are: in its data folder, or on a server of their own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from event_store.eventstoredb import EventStoreDBStore
from event_store.port import WholeEventStore
from event_store.sqlite import SqliteEventStore
from tests.support.eventstoredb import free_port

Launch = Callable[..., subprocess.Popen[str]]
"""Starts a command of the command line, given its words and settings."""
TOPOLOGIES = ("sqlite", "eventstoredb")


class EventsInFile:
    """SQLite: no process but the system's own."""

    def __init__(self, data: Path) -> None:
        """Look into this data folder."""
        self.settings: dict[str, object] = {}
        self._data = data

    def start(self, launch: Launch) -> None:
        """There is nothing to start."""

    def kill(self) -> None:
        """The file stays as it is when a process is gone."""

    async def open(self) -> WholeEventStore:
        """The store, opened beside the running processes."""
        return await SqliteEventStore.open(self._data / "events.db", poll_interval=0.005)

    def lose(self) -> None:
        """Lose all events, while nothing runs."""
        for file in self._data.glob("events.db*"):
            file.unlink()


class EventStoreServer:
    """EventStoreDB's protocol: a development server, started by the command that users have."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server on a port of its own; its file is in the folder."""
        self._folder = folder
        self.port = free_port()
        self.uri = f"esdb://127.0.0.1:{self.port}?Tls=false"
        self.settings: dict[str, object] = {"event_store": self.uri}
        self._process: subprocess.Popen[str] | None = None

    def start(self, launch: Launch) -> None:
        """Start it unless it runs, and return when it can be asked."""
        if self._process is None:
            ours = {"event_store_server_port": self.port, "event_store_server_data": self._folder}
            self._process = launch("serve", "event-store", **ours)
            printed = self._process.stdout.readline()
            assert self.uri in printed, f"it did not start: {printed}"

    def signal(self, which: signal.Signals) -> None:
        """Stop it where it is, or let it go on."""
        self._process.send_signal(which)

    def kill(self) -> None:
        """End it at once, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()
                assert process.wait(20) == -signal.SIGKILL

    async def open(self) -> WholeEventStore:
        """The store, opened beside the running processes."""
        return await EventStoreDBStore.open(self.uri)

    def lose(self) -> None:
        """Lose all events, while nothing runs."""
        for file in self._folder.glob("events.db*"):
            file.unlink()


def events_of(topology: str, folder: Path, data: Path) -> Any:
    """Where the events of a system in this folder are."""
    if topology == "sqlite":
        return EventsInFile(data)
    assert topology == "eventstoredb"
    return EventStoreServer(folder / "event-store")
