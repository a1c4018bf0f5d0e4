"""A shop that begins on an empty EventStoreDB has hashes from its first event, provably."""

from __future__ import annotations

from pathlib import Path

from bootstrap.container import open_container
from bootstrap.settings import Settings
from event_store.dev_server.server import running_server


async def test_what_is_kept_beside_the_events_does_not_count_as_a_history(tmp_path: Path):
    async with running_server(tmp_path / "server" / "events.db") as server:
        settings = Settings(_env_file=None, data=tmp_path / "data", event_store=server.uri)
        async with open_container(settings) as container:
            assert container.all_hashed
            await container.events.identity()
        async with open_container(settings) as again:
            assert again.all_hashed
        other = Settings(_env_file=None, data=tmp_path / "other", event_store=server.uri)
        async with open_container(other) as container:
            assert container.all_hashed
