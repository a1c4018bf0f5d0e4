"""Where a running system's events are: in its data folder, or on a server of their own."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from event_store.eventstoredb import EventStoreDBStore
from event_store.port import WholeEventStore
from event_store.sqlite import SqliteEventStore
from tests.support.eventstoredb import DevelopmentServer
from tests.support.stores import KINDS

TOPOLOGIES = (*KINDS, "services")


class EventsInFile:
    """SQLite: no process but the system's own."""

    def __init__(self, data: Path) -> None:
        """Look into this data folder."""
        self._data = data
        self.settings: dict[str, object] = {}

    def start(self) -> None:
        """There is nothing to start."""

    def kill(self) -> None:
        """The file stays as it is when a process is gone."""

    def errors(self) -> list[str]:
        """What went wrong in processes of its own: there are none."""
        return []

    async def open(self) -> WholeEventStore:
        """The store, opened beside the running processes."""
        return await SqliteEventStore.open(self._data / "events.db", poll_interval=0.005)

    def lose(self) -> None:
        """Lose all events, while nothing runs."""
        for file in self._data.glob("events.db*"):
            file.unlink()


class EventStoreServer(DevelopmentServer):
    """EventStoreDB's protocol: a development server, started by the command that users have."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server on a port of its own; its file is in the folder."""
        super().__init__(folder)
        self.settings: dict[str, object] = {"event_store": self.uri}

    def start(self) -> None:
        """Start it unless it runs, and return when it can be asked."""
        if self._process is None:
            super().start()

    def hold(self) -> None:
        """Let it stand still: connections stay open and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after it stood still."""
        self._process.send_signal(signal.SIGCONT)

    def errors(self) -> list[str]:
        """What it logged as an error."""
        return [line for line in self.log().splitlines() if "[error" in line]

    async def open(self) -> WholeEventStore:
        """The store, opened beside the running processes."""
        return await EventStoreDBStore.open(self.uri)

    def lose(self) -> None:
        """Lose all events, while nothing runs."""
        for file in self.folder.glob("events.db*"):
            file.unlink()


def events_of(topology: str, folder: Path, data: Path) -> Any:
    """Where the events of a system in this folder are."""
    if topology == "sqlite":
        return EventsInFile(data)
    assert topology in ("eventstoredb", "services")
    return EventStoreServer(folder / "event-store")
