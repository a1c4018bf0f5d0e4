"""Where a running system's events are: in its data folder, or on a server of their own."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from contracts.registry import CONTEXTS
from event_store.eventstoredb import EventStoreDBStore
from event_store.merged import MergedEventStore
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


class EventsByContext:
    """An event store of its own for each context."""

    def __init__(self, topology: str, folder: Path, data: Path) -> None:
        """Prepare them: files in the data folder, or servers."""
        self._data = data
        self._servers = (
            {}
            if topology == "sqlite"
            else {context: EventStoreServer(folder / context) for context in CONTEXTS}
        )
        self.settings: dict[str, object] = {
            f"{context}_event_store": self._servers[context].uri if self._servers else "sqlite"
            for context in CONTEXTS
        }

    def start(self) -> None:
        """Start the servers that don't run."""
        for server in self._servers.values():
            server.start()

    def kill(self) -> None:
        """End all servers at once."""
        for server in self._servers.values():
            server.kill()

    def errors(self) -> list[str]:
        """What any of them logged as an error."""
        return [line for server in self._servers.values() for line in server.errors()]

    async def open_one(self, context: str) -> WholeEventStore:
        """The store of a context, opened beside the running processes."""
        if self._servers:
            return await self._servers[context].open()
        file = self._data / f"events-{context}.db"
        assert file.exists()
        return await SqliteEventStore.open(file, poll_interval=0.005)

    async def open(self) -> WholeEventStore:
        """All of them as one."""
        return MergedEventStore({context: await self.open_one(context) for context in CONTEXTS})


def events_of(topology: str, folder: Path, data: Path, *, by_context: bool = False) -> Any:
    """Where the events of a system in this folder are."""
    if by_context:
        return EventsByContext(topology, folder, data)
    if topology == "sqlite":
        return EventsInFile(data)
    assert topology in ("eventstoredb", "services")
    return EventStoreServer(folder / "event-store")
