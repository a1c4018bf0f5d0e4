"""How rebuilds look: figures that are right, and whole in a narrow terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars

from api.cli import rebuild_text
from projections.compare import Comparison, Difference
from projections.lease import Progress
from projections.rebuild import Outcome

NAME = "product_catalogue"
FOUND = Comparison(1, 2, 10, 1, 0, [Difference("9f1c2d3e-0000-4000-8000-000000000001", "a", 1, 2)])


def test_the_first_line_counts_from_when_the_rebuild_began(capsys):
    times = iter([100.0, 102.0, 103.0, 105.0])
    lines = rebuild_text._Lines(lambda: next(times))
    lines.report(Progress(NAME, 2, "loading", 20_000, 50_000))
    lines.report(Progress(NAME, 2, "loading", 30_000, 50_000))  # too soon for another line
    lines.report(Progress(NAME, 2, "loading", 50_000, 50_000))
    assert capsys.readouterr().err.splitlines() == [
        f"{NAME}: replaying, 20,000 of 50,000 events, 10,000/s, 3 s left",
        f"{NAME}: replaying, 50,000 of 50,000 events, 10,000/s, 0 s left",
    ]


def test_the_rate_told_at_the_end_is_that_of_the_replay(capsys):
    rebuild_text.tell_outcome(Outcome(NAME, 2, True, 50_000, seconds=10, replay_seconds=2.5))
    assert "50,000 events replayed in 2.5 s (20,000/s); 10.0 s with" in capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_figures_are_whole_however_narrow_the_terminal_is(width):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with Bars(*rebuild_text._columns(width), console=console, auto_refresh=False) as bars:
        shown = rebuild_text._Bar(bars)
        shown.report(Progress(NAME, 2, "loading", 1_200_000, 2_526_330))
        bars.refresh()
        words = console.file.getvalue().split()
        assert NAME in console.file.getvalue()
        assert {"1,200,000", "2,526,330", "events,"} <= set(words)
        assert ("━" in console.file.getvalue()) == (width >= 80)
        assert not [word for word in words if "…" in word]


def test_one_document_differs_and_its_key_stays_whole_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    rebuild_text.tell_comparison(NAME, FOUND)
    told = capsys.readouterr().out
    assert "10 documents at equal versions, 1 differs." in told
    assert FOUND.differences[0].key in told
    assert "a: 1 -> 2" in told
