"""Everything apart: events, Kafka, Elasticsearch, and each of our processes on its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
from confluent_kafka.admin import AdminClient

PROCESSES = ("command-api", "query-api", "relay", "projector", "process-manager")
PARTITIONS = 3
SECONDS_TO_START = 90
"""Two cores start five interpreters beside two Java servers."""


@dataclass(frozen=True)
class Servers:
    """Where Kafka and Elasticsearch are."""

    kafka: str
    elasticsearch: str


class Shared:
    """The servers of this test run, once a fixture has started them."""

    servers: Servers | None = None


def settings_of(folder: Path) -> dict[str, object]:
    """Settings of a system of its own on the shared servers."""
    servers = Shared.servers
    assert servers is not None, "the fixture `topology` starts the servers"
    name = f"e2e-{uuid.uuid4().hex[:12]}"
    return {
        "kafka": servers.kafka,
        "read_store": servers.elasticsearch,
        "index_prefix": name,
        "topic_prefix": f"{name}-",
        "topic_partitions": PARTITIONS,
        "secrets": folder / "secrets",
    }


class Routed(httpx.AsyncHTTPTransport):
    """Sends each request to the API that serves it, as a gateway in front of both would."""

    def __init__(self, commands: str, queries: str) -> None:
        """Know both."""
        super().__init__()
        self._commands, self._queries = httpx.URL(commands), httpx.URL(queries)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on."""
        to = self._queries if is_query(request.method, request.url.path) else self._commands
        request.url = request.url.copy_with(host=to.host, port=to.port)
        return await super().handle_async_request(request)


def is_query(method: str, path: str) -> bool:
    """Whether the query API serves this: all that reads, and what operators ask of projections."""
    return method in ("GET", "HEAD") or path.startswith(("/api/projections", "/api/parked"))


def clean(settings: dict[str, object]) -> None:
    """Remove the indices and topics of these settings."""
    admin = AdminClient({"bootstrap.servers": settings["kafka"], "log_level": 0})
    prefix = str(settings["topic_prefix"])
    topics = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    if topics:
        for done in admin.delete_topics(topics).values():
            done.result(30)
    url, prefix = settings["read_store"], settings["index_prefix"]
    found = httpx.get(f"{url}/_cat/indices/{prefix}*", params={"format": "json", "h": "index"})
    for one in found.json():
        httpx.delete(f"{url}/{one['index']}").raise_for_status()
    templates = httpx.get(f"{url}/_index_template/{prefix}*").json()
    for one in templates.get("index_templates", ()):
        httpx.delete(f"{url}/_index_template/{one['name']}").raise_for_status()
