"""`orderlog import`: takes over the history of a shop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli.application import Application, OpenApplication
from api.cli.history.importer import Track, import_history
from api.cli.history.report import Report
from api.cli.output import print_json, print_table
from api.cli.running import run
from contracts.errors import Unavailable
from contracts.values import known_currency


def add_import(cli: typer.Typer, open_application: OpenApplication) -> None:
    """Add `import`."""

    @cli.command(
        name="import",
        epilog="Examples:\n\norderlog import ./history\n\n"
        "orderlog import ./history --currency EUR --json",
    )
    def import_folder(
        folder: Annotated[
            Path,
            typer.Argument(
                metavar="DIR",
                help="With customers.jsonl, products.jsonl and orders.jsonl.",
                exists=True,
                file_okay=False,
            ),
        ],
        currency: Annotated[str, typer.Option(help="Of all amounts, ISO 4217.")] = "USD",
        as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    ) -> None:
        """Import customers, products and orders of the past, with their own dates and prices.

        Run again it adds nothing; interrupted, it goes on where it stopped. A bad line is
        reported with its file and number, the others go on, and the exit code is 1.
        """
        _check_currency(currency)

        async def work(application: Application) -> Report:
            return await _import(application, folder, currency)

        _print(run(open_application, work), as_json=as_json)


async def _import(application: Application, folder: Path, currency: str) -> Report:
    with _progress() as track:
        try:
            return await import_history(
                folder, application.bus, application.events, currency=currency, track=track
            )
        except Unavailable as error:
            raise Unavailable(
                f"The import stopped: {error.detail} What was imported is kept; "
                "run it again to go on."
            ) from error


@contextmanager
def _progress() -> Generator[Track]:
    """Bars on stderr, where that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def track(step: str, total: int) -> Callable[[], None]:
            return partial(progress.advance, progress.add_task(step, total=total))

        yield track


def _print(report: Report, *, as_json: bool) -> None:
    problems = report.in_order()
    for problem in problems:
        typer.echo(str(problem), err=True)
    summary = {step.removesuffix(".jsonl"): counts for step, counts in report.counts.items()}
    if as_json:
        print_json({**summary, "problems": problems})
    else:
        rows = [(step, *counts.values()) for step, counts in summary.items()]
        print_table(("", "added", "already there", "refused"), rows, "")
    if problems:
        raise typer.Exit(1)


def _check_currency(currency: str) -> None:
    try:
        known_currency(currency)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--currency") from error
