"""Read models made of the target are those of the source."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootstrap.container import open_container
from projections.catalogue import PROJECTORS
from projections.generations import active_of
from tests.end_to_end.documents import Documents, all_documents
from tests.integration.cli.test_northwind import northwind
from tests.integration.migration.conftest import Installation, caught_up
from tests.support.cli import CommandLine
from tests.support.eventstoredb import DevelopmentServer

OWN = ("position", "store")


def without_positions(documents: Documents) -> Mapping[str, Any]:
    """Positions, and the store that they are of, are each store's own."""
    return {
        name: {
            key: ({field: it for field, it in document.items() if field not in OWN}, streams)
            for key, (document, streams) in shown.items()
        }
        for name, shown in documents.items()
    }


async def shown(at: Installation) -> tuple[Mapping[str, Any], set[str]]:
    """All documents once they are up to date, and the event stores they were made of."""
    async with open_container(at.settings) as container:
        await caught_up(container)
        store = container.documents
        made_of = {
            checkpoint.store
            for name in PROJECTORS
            for checkpoint in (
                await store.checkpoints(active_of(await store.generations(name)))
            ).values()
        }
        return without_positions(await all_documents(store)), made_of


async def test_they_are_rebuilt_by_themselves_and_are_equal(
    shop: Installation, other: Installation, uri: str
):
    before, old = await shown(shop)
    assert all(before.values())
    await shop.migrate(uri)
    there, new = await shown(shop.on(uri))
    assert there == before
    assert len(old | new) == 2
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert (await shown(other))[0] == before


def test_the_imported_orders_of_a_whole_shop_are_equal(tmp_path: Path):
    shop, back = Installation(tmp_path / "data"), Installation(tmp_path / "back")
    back.data.mkdir()
    orderlog = CommandLine(shop.data)
    orderlog.json("import", northwind())
    server = DevelopmentServer(tmp_path / "server")
    server.start()
    try:
        before, _ = asyncio.run(shown(shop))
        moved = orderlog.json("migrate", "--to", server.uri)
        assert (moved["moved"], moved["findings"]) == (len(shop.rows()), 0)
        assert asyncio.run(shown(shop.on(server.uri)))[0] == before
        asyncio.run(shop.on(server.uri).migrate(f"sqlite:{back.file}"))
        assert back.rows() == shop.rows()
    finally:
        server.kill()
