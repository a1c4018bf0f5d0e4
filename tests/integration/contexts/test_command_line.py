"""The command line on a shop with an event store for each context."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.registry import CONTEXTS, category_of
from tests.support.cli import ROOT, CommandLine
from tests.support.tampering import change, rows

SAMPLE = ROOT / "tests" / "data" / "history"


@pytest.fixture
def orderlog(data: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for context in CONTEXTS:
        monkeypatch.setenv(f"ORDERLOG_{context.upper()}_EVENT_STORE", "sqlite")
    return CommandLine(data)


@pytest.fixture
def imported(orderlog: CommandLine) -> CommandLine:
    """With a few customers, products and orders."""
    assert orderlog("import", SAMPLE).exit_code == 0
    return orderlog


def test_import_when_repeated_then_nothing_is_added(imported):
    before = imported.tail()
    assert {category_of(it["stream"]) for it in before} >= {"order", "product", "user", "stock"}
    assert imported("import", SAMPLE).exit_code == 0
    assert imported.tail() == before


def test_tail_when_begun_after_a_position_shown_then_it_shows_the_rest(imported):
    events = imported.tail()
    for shown in (0, 1, len(events) // 2, len(events) - 1):
        after = events[shown]["position"]
        result = imported("events", "tail", "--no-follow", "--json", "--from", after)
        assert [json.loads(it) for it in result.stdout.splitlines()] == events[shown + 1 :]
    assert imported("events", "tail", "--no-follow", "--from", "end").stdout == ""
    refused = imported("events", "tail", "--no-follow", "--from", "00000000000000000001")
    assert refused.exit_code == 1
    assert "it would name each of them" in refused.stderr


def test_verify_when_any_store_was_changed_then_it_is_found(imported):
    whole = imported.json("audit", "verify")
    counted = [
        rows(imported.data / f"events-{it}.db", "SELECT count(*) FROM events") for it in CONTEXTS
    ]
    assert whole["events"] == sum(count for ((count,),) in counted)
    assert (whole["ok"], whole["all_hashed"]) == (True, True)
    head = imported.data / "head.json"
    assert imported("audit", "head", head).exit_code == 0
    change(imported.data / "events-users.db", "UPDATE events SET data = x'7b7d' WHERE position = 1")
    result = imported("audit", "verify", "--against", head)
    assert result.exit_code == 3
    assert " changed " in result.stdout


@pytest.mark.parametrize(
    "command", [("backup", "copy.db"), ("restore", "copy.db"), ("migrate", "--to", "sqlite")]
)
@pytest.mark.parametrize("forgotten", [False, True])
def test_command_for_one_store_then_it_refuses_in_a_line(imported, monkeypatch, command, forgotten):
    if forgotten:
        for context in CONTEXTS:
            monkeypatch.delenv(f"ORDERLOG_{context.upper()}_EVENT_STORE")
    result = imported(*command)
    assert result.exit_code == 1
    assert "has several event stores" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path("copy.db").exists()


def test_shop_when_the_settings_are_forgotten_then_nothing_is_begun_beside_it(
    imported, monkeypatch
):
    for context in CONTEXTS:
        monkeypatch.delenv(f"ORDERLOG_{context.upper()}_EVENT_STORE")
    result = imported("events", "tail", "--no-follow")
    assert result.exit_code == 1
    assert not (imported.data / "events.db").exists()
