"""Checks a store's chains, and changes its file behind the store's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from event_store.heads import Head
from event_store.sqlite import SqliteEventStore
from event_store.verification import Finding
from event_store.verifying import Verified
from event_store.verifying_parts import verification_of
from tests.support.commands import CHAIN

_UNCOUNTED = ("ALTER", "CREATE", "DROP", "PRAGMA", "REINDEX")


async def verify(
    store: Any,
    *,
    stream: str | None = None,
    against: Head | None = None,
    all_hashed: bool = False,
) -> tuple[Verified, list[Finding]]:
    """What a check finds in an open store."""
    findings: list[Finding] = []
    identity = await store.identity()
    verification = verification_of(
        store, identity, CHAIN, findings.append, against=against, all_hashed=all_hashed
    )
    verified = await (verification.stream(stream) if stream else verification.everything())
    assert verified.findings == len(findings)
    return verified, findings


async def verify_file(path: Path, **how: Any) -> list[Finding]:
    """What a check finds in a file."""
    store = await SqliteEventStore.open(path)
    try:
        return (await verify(store, **how))[1]
    finally:
        await store.close()


async def assert_all_proven(store: Any) -> None:
    """Every event has its hash, and nothing is wrong."""
    verified, findings = await verify(store)
    assert findings == []
    assert verified.proven == verified.events > 0


def change(path: Path, *statements: str | tuple[str, Sequence[Any]]) -> None:
    """Change the file as somebody would who can write it; each must change something."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            before = connection.total_changes
            connection.execute(sql, values)
            assert connection.total_changes > before or sql.startswith(_UNCOUNTED), sql


def rows(path: Path, sql: str, *values: Any) -> list[Any]:
    """What the file says."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()
