"""What was changed in the source is found changed in the target."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bootstrap.container import open_container
from event_store.verification import Finding
from event_store.verifying import Verification, Verified
from tests.integration.migration.conftest import Installation
from tests.support.tampering import change

AT = "WHERE stream = ? AND version = 1"


async def check(at: Installation) -> tuple[Verified, list[Finding]]:
    """What `audit verify` finds."""
    findings: list[Finding] = []
    async with open_container(at.settings) as shop:
        checking = Verification(
            shop.events,
            shop.store_identity,
            shop.chain,
            findings.append,
            all_hashed=shop.all_hashed,
        )
        return await checking.everything(), findings


def told(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return [(it.stream, it.version, it.event_id, it.fault) for it in findings]


@pytest.mark.parametrize(
    "setting",
    [
        "data = CAST(data || ' ' AS BLOB)",
        "type = 'OrderCancelled'",
        "id = randomblob(16)",
        "metadata = CAST(replace(metadata, 'orderlog', 'somebody') AS BLOB)",
        "metadata = CAST('not even JSON' AS BLOB)",
        "metadata = CAST('' AS BLOB)",
        "metadata = CAST('{}' AS BLOB)",
        "metadata = CAST('[' || metadata || ']' AS BLOB)",
        "metadata = x'00ff'",
    ],
)
async def test_the_verdict_is_the_same_there_and_back(
    shop: Installation, other: Installation, uri: str, setting: str
):
    order = next(name for name, v in shop.rows("stream, version") if "order-" in name and v == 1)
    change(shop.file, (f"UPDATE events SET {setting} {AT}", (order,)))
    verified, findings = await check(shop)
    # Where the hash is lost with the event, the next one can't be proven.
    assert [(it.stream, it.version) for it in findings] in ([(order, 1)], [(order, 1), (order, 2)])
    move = await shop.migrate(uri)
    assert move.migrated.history.findings == len(findings)
    there, found = await check(shop.on(uri))
    assert (there, told(found)) == (verified, told(findings))
    await shop.on(uri).migrate(f"sqlite:{other.file}")
    assert other.rows() == shop.rows()
    assert await check(other) == (verified, findings)


async def test_events_of_before_there_were_hashes_are_counted_as_such(shop: Installation, uri: str):
    (shop.data / "secrets" / "chained").unlink()
    stripped = "metadata = CAST(json_remove(metadata, '$.hash') AS BLOB)"
    change(shop.file, f"UPDATE events SET {stripped}")
    move = await shop.migrate(uri)
    history = move.migrated.history
    assert (history.unchained, history.proven, history.findings) == (history.events, 0, 0)
    assert (await check(shop.on(uri)))[0].unchained == history.events


async def test_a_head_of_the_source_fits_the_target(shop: Installation, uri: str):
    async with open_container(shop.settings) as source:
        checking = Verification(source.events, source.store_identity, source.chain, print)
        await checking.everything()
        head = checking.head(datetime.now(UTC))
    await shop.migrate(uri)
    findings: list[Finding] = []
    async with open_container(shop.on(uri).settings) as there:
        verified = await Verification(
            there.events, there.store_identity, there.chain, findings.append, against=head
        ).everything()
    assert (findings, verified.other_store) == ([], True)
