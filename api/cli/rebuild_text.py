"""How rebuilds look on a terminal: a bar meanwhile, and what became of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column

from api.cli.output import one_line, print_table
from projections.compare import Comparison
from projections.lease import Progress
from projections.rebuild import Outcome

_LINE_SECONDS = 2.0
_BESIDE_BAR = 68
"""Columns that name and figures take."""
_PHASES = {
    "loading": "replaying",
    "following": "catching up, comparing",
    "built": "built",
}


class Shown:
    """Takes what a rebuild reports; shows nothing by itself."""

    def report(self, progress: Progress) -> None:
        """Show how far it is."""


def amount(done: int, total: int) -> str:
    """Events that were replayed, of how many if that is known (not 0)."""
    return f"{done:,} of {total:,} events" if total else f"{done:,} events"


def _pace(progress: Progress, seconds: float) -> str:
    """How many events, how fast, and how long it will take, after so many seconds of replaying."""
    rate = progress.done / max(seconds, 0.001)
    told = f"{amount(progress.done, progress.total)}, {rate:,.0f}/s"
    if not progress.total:
        return told
    return f"{told}, {(progress.total - progress.done) / max(rate, 1):,.0f} s left"


class _Lines(Shown):
    """A line now and then, for logs and pipes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._last = 0.0
        self._phase = ""

    def report(self, progress: Progress) -> None:
        now = self._clock()
        if progress.phase == self._phase and now - self._last < _LINE_SECONDS:
            return
        self._phase, self._last = progress.phase, now
        line = f"{progress.projection}: {_PHASES[progress.phase]}"
        if progress.phase == "loading":
            line += f", {_pace(progress, now - self._started)}"
        typer.echo(line, err=True)


class _Bar(Shown):
    """A bar that moves."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._started = time.monotonic()
        self._task = bars.add_task("", told="", total=None)

    def report(self, progress: Progress) -> None:
        told = _PHASES[progress.phase]
        if progress.phase == "loading":
            told = _pace(progress, time.monotonic() - self._started)
        self._bars.update(
            self._task,
            completed=progress.done,
            total=progress.total or None,
            description=progress.projection,
            told=told,
        )


@contextmanager
def showing(*, quiet: bool) -> Generator[Shown]:
    """Show progress on stderr for as long as this lasts."""
    if quiet:
        yield Shown()
    elif sys.stderr.isatty():
        console = Console(stderr=True)
        with Bars(*_columns(console.width), console=console) as bars:
            yield _Bar(bars)
    else:
        yield _Lines()


def _columns(width: int) -> Sequence[ProgressColumn]:
    """Figures are never cut: they break between words, and a narrow terminal has no bar."""
    name = TextColumn("{task.description}", table_column=Column(no_wrap=True))
    told = TextColumn("{task.fields[told]}", table_column=Column(overflow="fold"))
    bar = min(width - _BESIDE_BAR, 40)
    return (name, told) if bar < 10 else (name, BarColumn(bar), told)


def tell_outcome(outcome: Outcome) -> None:
    """Say what became of a rebuild, a switch or a rollback."""
    name, number = outcome.projection, outcome.generation
    if outcome.seconds:
        replaying = outcome.replay_seconds
        rate = outcome.events / max(replaying, 0.001)
        typer.echo(
            f"{name}: {outcome.events:,} events replayed in {replaying:.1f} s ({rate:,.0f}/s); "
            f"{outcome.seconds:.1f} s with catching up and comparing."
        )
    if outcome.comparison is not None:
        tell_comparison(name, outcome.comparison)
    if outcome.switched:
        typer.echo(f"{name}: generation {number} answers queries now.")
    elif outcome.parked:
        typer.echo(
            f"{name}: generation {number} was built and not switched to, as events are parked in "
            "it. Fix or discard them (`orderlog parked`), then `orderlog projections rebuild "
            f"{name}` or `switch {name}`.",
            err=True,
        )
        for parked in outcome.parked:
            typer.echo(
                f"  {parked.id} at version {parked.version}: {one_line(parked.error)}", err=True
            )
    else:
        typer.echo(
            f"{name}: generation {number} was built; `orderlog projections switch {name}` lets it "
            "answer queries."
        )


def tell_comparison(name: str, found: Comparison) -> None:
    """Say where the documents of two generations differ."""
    differ = f"{found.differing:,} differ{'s' if found.differing == 1 else ''}"
    if not found.differing:
        differ = "none differs"
    beside = f", {found.not_compared:,} at unlike versions" if found.not_compared else ""
    typer.echo(
        f"{name}: generation {found.new} compared with {found.old}: {found.compared:,} documents "
        f"at equal versions, {differ}{beside}."
    )
    if not found.differences:
        return
    cells = [(d.key, d.path or "(all)", _value(d.old), _value(d.new)) for d in found.differences]
    if sys.stdout.isatty():
        rows = [(key, f"{path}: {old} -> {new}") for key, path, old, new in cells]
        print_table(("key", "path: old -> new"), rows, "", whole=1)
    else:
        print_table(("key", "path", "old", "new"), cells, "")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of one of several rebuilds: an outcome, or an error."""

    projection: str
    outcome: Outcome | None
    error: str | None

    @property
    def is_well(self) -> bool:
        """Whether it was rebuilt, and nothing is parked in it."""
        return self.outcome is not None and not self.outcome.parked


def rebuilt_json(rebuilt: Rebuilt) -> dict[str, Any]:
    """The same for programs: always the same names."""
    outcome = rebuilt.outcome
    if outcome is None:
        nothing = Outcome(rebuilt.projection, generation=0, switched=False)
        return {**outcome_json(nothing), "generation": None, "error": rebuilt.error}
    return {**outcome_json(outcome), "error": None}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs."""
    return {
        "projection": outcome.projection,
        "generation": outcome.generation,
        "switched": outcome.switched,
        "events": outcome.events,
        "seconds": round(outcome.seconds, 3),
        "replay_seconds": round(outcome.replay_seconds, 3),
        "comparison": outcome.comparison,
        "parked": [
            {"id": it.id, "stream": it.stream, "version": it.version, "error": it.error}
            for it in outcome.parked
        ],
    }


def _value(value: object) -> str:
    return "-" if value is None else msgspec.json.encode(value).decode()
