"""What the catalogue of a read store's folder lists."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from contracts.documents import DocumentType
from read_side.fields import decode_type
from read_side.port import Generation
from read_side.rebuild_port import Rebuild


@dataclass(frozen=True, slots=True)
class Listed:
    """A generation with the document type it was made for."""

    generation: Generation
    document_type: DocumentType


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the catalogue said when it last changed."""

    generations: dict[tuple[str, int], Listed]
    active: dict[str, Listed]
    paused: frozenset[str]
    rebuilds: tuple[Rebuild, ...]


def read_snapshot(connection: sqlite3.Connection) -> Snapshot:
    """All that is listed."""
    rows = connection.execute(
        "SELECT projection, number, state, fingerprint, created_at, document_type"
        " FROM generations ORDER BY projection, number"
    ).fetchall()
    listed = [
        Listed(
            Generation(name, number, state, fingerprint, datetime.fromisoformat(created_at)),
            decode_type(document_type),
        )
        for name, number, state, fingerprint, created_at, document_type in rows
    ]
    generations = {(it.generation.projection, it.generation.number): it.generation for it in listed}
    rebuilds = connection.execute(
        "SELECT projection, number, phase, done, total, lease_until, acknowledged FROM rebuilds"
        " ORDER BY projection, number"
    ).fetchall()
    paused = connection.execute("SELECT name FROM projections WHERE paused").fetchall()
    return Snapshot(
        {(one.generation.projection, one.generation.number): one for one in listed},
        {one.generation.projection: one for one in listed if one.generation.state == "active"},
        frozenset(name for (name,) in paused),
        tuple(
            Rebuild(
                generations[name, number],
                phase,
                done,
                total,
                datetime.fromisoformat(lease_until),
                bool(acknowledged),
            )
            for name, number, phase, done, total, lease_until, acknowledged in rebuilds
        ),
    )
