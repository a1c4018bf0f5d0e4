"""Pages of very long lists are read from an index, not sorted each time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contracts.documents import EVENT_LOG
from read_side.fields import Columns
from read_side.port import AnyOf, Between, Search
from read_side.sqlite.schema import make_generation_file, make_indexes
from read_side.sqlite.searching import search

COLUMNS = Columns(EVENT_LOG)


@pytest.fixture
def index(tmp_path: Path):
    """Events of which one actor did half."""
    path = tmp_path / "event_log-1.db"
    make_generation_file(path, COLUMNS)
    with closing(sqlite3.connect(path)) as file:
        file.executemany(
            'INSERT INTO documents(key, revision, streams, shown, "f_event_id", "f_actor_id",'
            ' "f_type", "f_recorded_at") VALUES (?1, 0, \'{}\', 1, ?1, ?2, ?3, ?4)',
            [
                (f"{n * 7919 % 2000:05}", "orderlog" if n % 2 else f"{n % 100}", "T", f"{n:05}")
                for n in range(2000)
            ],
        )
        file.execute("INSERT INTO bodies SELECT id, json_object('n', f_recorded_at) FROM documents")
        file.commit()
    make_indexes(path, COLUMNS)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        yield file


@pytest.mark.parametrize(("field", "value"), [("actor_id", "orderlog"), ("type", "T")])
def test_events_of_a_busy_actor_or_of_a_type_when_paged_then_not_sorted(index, field, value):
    statements: list[str] = []
    index.set_trace_callback(statements.append)
    conditions = (AnyOf(field, (value,)), Between("recorded_at", "00100"))
    first = search(index, COLUMNS, EVENT_LOG.name, Search(conditions, "recorded_at", 10))
    search(index, COLUMNS, EVENT_LOG.name, Search(conditions, "recorded_at", 10, first.next_cursor))
    index.set_trace_callback(None)
    assert [one["n"] for one in first.documents] == sorted(one["n"] for one in first.documents)
    selects = [one for one in statements if one.startswith("SELECT json_group_array")]
    assert len(selects) == 2
    for select in selects:
        plan = "\n".join(row[3] for row in index.execute(f"EXPLAIN QUERY PLAN {select}"))
        assert "USING INDEX" in plan
        assert "TEMP B-TREE" not in plan, plan
