"""How rebuilds look on a terminal: a bar meanwhile, and what became of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from api.cli.output import one_line, print_table
from projections.compare import Comparison
from projections.lease import Progress
from projections.rebuild import Outcome

_LINE_SECONDS = 2.0
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


class _Lines(Shown):
    """A line now and then, for logs and pipes."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = 0.0
        self._phase = ""

    def report(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.phase == self._phase and now - self._last < _LINE_SECONDS:
            return
        if progress.phase == "loading" and not self._phase:
            self._started = now
        self._phase, self._last = progress.phase, now
        line = f"{progress.projection}: {_PHASES[progress.phase]}"
        if progress.phase == "loading":
            rate = progress.done / max(now - self._started, 0.001)
            line += f", {amount(progress.done, progress.total)}, {rate:,.0f}/s"
            if progress.total:
                left = (progress.total - progress.done) / max(rate, 1)
                line += f", {left:.0f} s left"
        typer.echo(line, err=True)


class _Bar(Shown):
    """A bar that moves."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def report(self, progress: Progress) -> None:
        name = progress.projection
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, rate="")
        task = self._tasks[name]
        elapsed = self._bars.tasks[self._bars.task_ids.index(task)].elapsed or 0.001
        self._bars.update(
            task,
            completed=progress.done,
            total=progress.total or None,
            description=f"{name}: {_PHASES[progress.phase]}",
            rate=f"{progress.done / elapsed:,.0f}/s" if progress.phase == "loading" else "",
        )


@contextmanager
def showing(*, quiet: bool) -> Generator[Shown]:
    """Show progress on stderr for as long as this lasts."""
    if quiet:
        yield Shown()
    elif sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=Console(stderr=True)) as bars:
            yield _Bar(bars)
    else:
        yield _Lines()


def tell_outcome(outcome: Outcome) -> None:
    """Say what became of a rebuild, a switch or a rollback."""
    name, number = outcome.projection, outcome.generation
    if outcome.events or outcome.seconds:
        rate = outcome.events / max(outcome.seconds, 0.001)
        typer.echo(f"{name}: {outcome.events:,} events in {outcome.seconds:.1f} s ({rate:,.0f}/s).")
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
    differ = f"{found.differing:,} differ" if found.differing else "none differs"
    beside = f", {found.not_compared:,} at unlike versions" if found.not_compared else ""
    typer.echo(
        f"{name}: generation {found.new} compared with {found.old}: {found.compared:,} documents "
        f"at equal versions, {differ}{beside}."
    )
    if found.differences:
        rows = [(d.key, d.path or "(all)", _value(d.old), _value(d.new)) for d in found.differences]
        print_table(("key", "path", "old", "new"), rows, "")


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs."""
    return {
        "projection": outcome.projection,
        "generation": outcome.generation,
        "switched": outcome.switched,
        "events": outcome.events,
        "seconds": round(outcome.seconds, 3),
        "comparison": outcome.comparison,
        "parked": [
            {"id": it.id, "stream": it.stream, "version": it.version, "error": it.error}
            for it in outcome.parked
        ],
    }


def _value(value: object) -> str:
    return "-" if value is None else msgspec.json.encode(value).decode()
