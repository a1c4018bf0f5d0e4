"""A running system as scenarios see it. They use nothing else, so they can run on any topology."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from api.security.tokens import AccessTokens
from contracts.values import Role
from event_store.port import WholeEventStore
from read_side.sqlite import SqliteReadStore
from tests.end_to_end import services
from tests.end_to_end.documents import Documents, all_documents, built_from
from tests.end_to_end.event_store_server import events_of
from tests.support.cli import ORDERLOG
from write_side.inventory.policies import SoftReservation
from write_side.users.policies import SettleEmailClaims

SECRET = "a secret of an installation that is tested"
POLICIES = {it.NAME: it.CATEGORIES for it in (SoftReservation, SettleEmailClaims)}
"""What runs beside the requests and changes something, and of which streams it follows."""
_ADDRESS = re.compile(r"(http://\S+)")


class System:
    """Commands, queries, projections and policies, and the events, as the topology says.

    All in one process, with the events in a file or on a server; or with the topology `services`
    each in a process of its own, between Kafka and Elasticsearch.
    """

    def __init__(
        self,
        folder: Path,
        topology: str = "sqlite",
        *,
        by_context: bool = False,
        **settings: object,
    ) -> None:
        """Prepare an installation in a folder of its own; `settings` are `ORDERLOG_*`.

        `by_context` gives each context an event store of its own.
        """
        self.folder = folder
        self.data = folder / "data"
        self.topology = topology
        self.apart = topology == "services"
        self.events = events_of(topology, folder, self.data, by_context=by_context)
        self.settings: dict[str, object] = {
            "log_format": "json",
            "jwt_secret": SECRET,
            **self.events.settings,
            **(services.settings_of(folder) if self.apart else {}),
            **settings,
        }
        self.expected_errors: tuple[str, ...] = ()
        self.urls: dict[str, str] = {}
        """By process: where it answers."""
        self._processes: dict[str, subprocess.Popen[str]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    # ------------------------------------------------------------- processes

    @property
    def base_url(self) -> str:
        """Where commands are answered."""
        return self.urls["command-api" if self.apart else "serve"]

    @property
    def query_url(self) -> str:
        """Where queries are answered."""
        return self.urls["query-api" if self.apart else "serve"]

    def start(self) -> None:
        """Start what does not run, and return when it is ready."""
        self.events.start()
        if self.apart and not (self.folder / "secrets").exists():
            self.told("secrets", "make", self.folder / "secrets")
        names = services.PROCESSES if self.apart else ("serve",)
        self.start_only(*(name for name in names if name not in self._processes))

    def start_only(self, *names: str) -> None:
        """Start these processes, and return when they are ready."""
        for name in names:
            words = ("serve",) if name == "serve" else ("serve", name.partition("#")[0])
            self._processes[name] = self.launch(*words)
        for name in names:
            printed = self._processes[name].stdout.readline()
            found = _ADDRESS.search(printed)
            assert found, f"{name} did not start: {printed}{self.log()}"
            self.urls[name] = found[1]
        deadline = time.monotonic() + (services.SECONDS_TO_START if self.apart else 20)
        for name in names:
            while httpx.get(f"{self.urls[name]}/health/ready").status_code != 200:
                assert time.monotonic() < deadline, f"{name} is not ready: {self.log()}"
                time.sleep(0.02)  # Another process: there is nothing to await but its answer.

    def kill(self) -> None:
        """End every process at once, as a power cut would."""
        for process in self._processes.values():
            process.kill()
        self.events.kill()
        assert self.ended() == -signal.SIGKILL

    def kill_only(self, name: str) -> None:
        """End one process at once."""
        self._processes[name].kill()
        assert _ended(self._processes.pop(name), 20) == -signal.SIGKILL

    def signal(self, which: signal.Signals = signal.SIGTERM) -> None:
        """Ask to stop, and do not wait."""
        for process in self._processes.values():
            process.send_signal(which)

    def ended(self, within: float = 20) -> int:
        """Wait for the end; the exit code. What does not end in time fails the test."""
        processes, self._processes = self._processes, {}
        codes = {_ended(process, within) for process in processes.values()}
        assert len(codes) == 1, f"they ended with {codes}: {self.log()}"
        return codes.pop()

    def stop(self) -> None:
        """Stop as one should."""
        self.signal()
        assert self.ended() == 0

    def close(self) -> None:
        """End whatever is left, after a test."""
        for process in self._processes.values():
            process.kill()
        if self._processes:
            self.ended()
        self.events.kill()
        if self.apart:
            services.clean(self.settings)

    # --------------------------------------------------------- command line

    def launch(self, *words: object, **settings: object) -> subprocess.Popen[str]:
        """Start a command of the command line as a process of its own."""
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                [ORDERLOG, *map(str, words)],
                cwd=self.folder,
                env=self._environment(settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def orderlog(self, *words: object, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line to its end, whatever that is."""
        return subprocess.run(
            [ORDERLOG, *map(str, words)],
            cwd=self.folder,
            env=self._environment(settings),
            capture_output=True,
            text=True,
            timeout=100,
        )

    def told(self, *words: object) -> str:
        """What a command prints that succeeds."""
        done = self.orderlog(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: object) -> Any:
        """What a command that succeeds prints with `--json`."""
        return json.loads(self.told(*words, "--json"))

    def _environment(self, settings: Mapping[str, object]) -> dict[str, str]:
        clean = {name: it for name, it in os.environ.items() if not name.startswith("ORDERLOG_")}
        ours = {"data": self.data, "port": 0, **self.settings, **settings}
        return clean | {f"ORDERLOG_{name.upper()}": str(it) for name, it in ours.items()}

    def log(self) -> str:
        """What the processes have logged."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def errors(self) -> list[str]:
        """Lines of the log that say that something went wrong which the test did not expect."""
        lines = self.log().splitlines()
        unexpected = [it for it in lines if not (it.startswith("{") and self._is_expected(it))]
        return unexpected + self.events.errors()

    def _is_expected(self, line: str) -> bool:
        entry = json.loads(line)
        harmless = entry["level"] not in ("error", "critical")
        return harmless or entry["event"] in self.expected_errors

    # ----------------------------------------------------------------- HTTP

    def token(self, role: Role, user_id: str = "0e0e0000-0000-4000-8000-000000000001") -> str:
        """An access token."""
        return AccessTokens(self.settings["jwt_secret"].encode()).issue(user_id, (role,))[0]

    def client(self, role: Role | None = None, user_id: str | None = None) -> httpx.AsyncClient:
        """Calls the API, as somebody or as nobody known."""
        ids = () if user_id is None else (user_id,)
        headers = {} if role is None else {"Authorization": f"Bearer {self.token(role, *ids)}"}
        routed = services.Routed(self.base_url, self.query_url) if self.apart else None
        return httpx.AsyncClient(
            base_url=self.base_url, headers=headers, timeout=20, transport=routed
        )

    # --------------------------------------------------------------- stores

    @asynccontextmanager
    async def event_store(self) -> AsyncGenerator[WholeEventStore]:
        """The event store, opened beside the running processes."""
        store = await self.events.open()
        try:
            yield store
        finally:
            await store.close()

    async def documents(self) -> Documents:
        """All documents that queries are answered from, by projection and key."""
        store = await self._read_store()
        try:
            return await all_documents(store)
        finally:
            await store.close()

    async def _read_store(self) -> Any:
        if not self.apart:
            return await SqliteReadStore.open(self.data / "read-models")
        from read_side.elasticsearch import ElasticsearchReadStore

        url, prefix = self.settings["read_store"], self.settings["index_prefix"]
        return await ElasticsearchReadStore.open(url, prefix=prefix)

    async def clean_build(self) -> Documents:
        """The documents as they are when made anew from all events."""
        folder = self.folder / "clean-build"
        shutil.rmtree(folder, ignore_errors=True)
        store = await SqliteReadStore.open(folder)
        try:
            async with self.event_store() as events:
                return await built_from(events, store)
        finally:
            await store.close()

    def subscribers(self, policy: str) -> list[str]:
        """The names under which a policy remembers how far it is."""
        if not self.apart or policy != SoftReservation.NAME:
            return [policy]
        return [f"{policy}/order/{n}/{services.PARTITIONS}" for n in range(services.PARTITIONS)]

    def lose_events(self) -> None:
        """Lose the event store, while nothing runs."""
        self.events.lose()


def _ended(process: subprocess.Popen[str], within: float) -> int:
    with process:
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def running(folder: Path, topology: str = "sqlite", **settings: object) -> Iterator[System]:
    """A started system; what it logs as an error fails the test."""
    system = System(folder, topology, **settings)
    try:
        system.start()
        yield system
        assert system.errors() == [], system.errors()[0]
    finally:
        system.close()
