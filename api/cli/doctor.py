"""`orderlog doctor`: what is well, what is not, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from api.cli.output import print_json, print_line
from api.cli.running import failing_clearly

Status = Literal["ok", "warning", "failed"]
_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_WIDTH = max(map(len, _STYLES))
_INDENT = " " * (_WIDTH + 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found."""

    check: str
    status: Status
    found: str
    """In words."""
    advice: str | None = None
    """What to do, unless all is well."""


Examine = Callable[[], Awaitable[Sequence[Finding]]]
"""Checks everything; what goes wrong is a finding."""


def add_doctor(cli: typer.Typer, examine: Examine) -> None:
    """Add `doctor`."""

    @cli.command(epilog="Examples:\n\norderlog doctor\n\norderlog doctor --json")
    def doctor(  # pyright: ignore[reportUnusedFunction]
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Check settings, secrets, stores, topics, indices and lag, and say what to do.

        Changes nothing. Exit code 1 when something has failed; a warning is no failure.
        """
        with failing_clearly():
            findings = asyncio.run(_examined(examine))
        if as_json:
            print_json(findings)
        else:
            for finding in findings:
                _print(finding)
        if any(finding.status == "failed" for finding in findings):
            raise typer.Exit(1)


async def _examined(examine: Examine) -> Sequence[Finding]:
    return await examine()


def _print(finding: Finding) -> None:
    status = finding.status.ljust(_WIDTH + 2)
    print_line((status, _STYLES[finding.status]), (f"{finding.check}: {finding.found}", ""))
    if finding.advice is not None:
        print_line((f"{_INDENT}-> {finding.advice}", "dim"))
