"""How the audit looks in terminals of any width."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api.cli.audit_text import EntryTable, print_trees

STREAM = "order-9f1c2d3e-0000-4000-8000-000000000001"


def entry(version: int, name: str = "Ada Lovelace") -> Any:
    return {
        "event_id": str(version),
        "stream": STREAM,
        "version": version,
        "type": "OrderConfirmed",
        "occurred_at": "2026-01-05T10:02:11Z",
        "recorded_at": "2027-02-06T11:03:12.035Z",
        "actor": None,
        "command": "ChangeProductDetails",
        "correlation_id": None,
        "causation_id": None,
        "summary": f"{name} confirmed the order",
        "changes": [
            {"path": "status", "before": "created", "after": "confirmed"},
            {"path": "confirmed_at_location", "before": None, "after": "north"},
        ],
        "payload": None,
        "consequences": [],
    }


@pytest.mark.parametrize("with_stream", [True, False])
@pytest.mark.parametrize("width", [60, 80, 132])
def test_times_versions_and_commands_are_whole(capsys, monkeypatch, width, with_stream):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table = EntryTable(with_stream=with_stream)
    table.add([])
    table.add([entry(7), entry(1234567)])
    table.add([entry(8)])
    told = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(map(len, told.splitlines())) <= width
    assert told.count("recorded") == 1
    for text in ("2026-01-05 10:02:11", "2027-02-06 11:03:12", "ChangeProductDetails,",
                 "- status: created -> confirmed"):  # fmt: skip
        assert told.count(text) == 3, text
    assert " 1234567 " in told
    assert (STREAM in told) == (with_stream and width > 70)
    words = [word for line in told.splitlines() for word in line.strip("\u2502 ").split()]
    assert {"Ada", "Lovelace", "confirmed_at_location:", "north"} <= set(words)


def test_a_name_can_not_reorder_a_line(capsys):
    mallory = "Mal\u202eyrol"
    EntryTable(with_stream=False).add([entry(1, mallory)])
    print_trees(f"because {mallory}", [entry(1, mallory)])
    told = capsys.readouterr().out
    assert "\u202e" not in told
    assert told.count("Mal\ufffdyrol") == 3
