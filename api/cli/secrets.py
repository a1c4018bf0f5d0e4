"""`orderlog secrets`: makes the keys of a new shop, for services that never make any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from api.cli.running import failing_clearly


@dataclass(frozen=True, slots=True)
class SecretsMade:
    """What is in the folder of secrets now."""

    made: Sequence[str]
    kept: Sequence[str]
    """Those that were there: they stay as they are."""


MakeSecrets = Callable[[Path], SecretsMade]
"""Makes what is missing in a folder; raises `CannotOpen`."""


def add_secrets(cli: typer.Typer, make_secrets: MakeSecrets) -> None:
    """Add `secrets make`."""
    secrets = typer.Typer(
        help="Keys of the services: all of them have the same, and none of them ever makes one.",
        no_args_is_help=True,
    )
    cli.add_typer(secrets, name="secrets")

    @secrets.command(epilog="Example:\n\norderlog secrets make ./secrets")
    def make(  # pyright: ignore[reportUnusedFunction]
        folder: Annotated[Path, typer.Argument(help="To make, or to complete.")],
    ) -> None:
        """Make the keys that are missing in a folder, readable by their owner only.

        Nothing that is there is ever changed.
        """
        with failing_clearly():
            result = make_secrets(folder)
        _tell(folder, result)


def _tell(folder: Path, result: SecretsMade) -> None:
    if result.kept:
        typer.echo(f"Kept as they were: {', '.join(result.kept)}.")
    if not result.made:
        typer.echo(f"Nothing was missing in {folder}.")
        return
    typer.echo(f"Made in {folder}: {', '.join(result.made)}.")
    typer.echo(
        f"Give the folder to every process, read only, as ORDERLOG_SECRETS={folder.absolute()}; "
        "it must be readable by the user they run as."
    )
    typer.echo(
        "Keep a copy where the events are not: without these keys nobody can sign in or register "
        "with a known address, and nothing of the events can be verified."
    )
