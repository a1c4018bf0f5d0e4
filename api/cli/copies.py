"""`orderlog backup` and `orderlog restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.application import Copy
from api.cli.running import failing_clearly


def add_backup(cli: typer.Typer, make_backup: Copy, make_restore: Copy) -> None:
    """Add `backup` and `restore`."""

    @cli.command(epilog="Example:\n\norderlog backup /backups/orderlog-2026-01-05.db")
    def backup(
        file: Annotated[Path, typer.Argument(help="To make; it must not exist yet.")],
    ) -> None:
        """Copy the event store into a new file, also while it is being written."""
        with failing_clearly():
            make_backup(file)
        typer.echo(f"The event store is backed up to {file}.")

    @cli.command(
        epilog="Example:\n\n"
        "ORDERLOG_DATA=./restored orderlog restore /backups/orderlog-2026-01-05.db",
    )
    def restore(
        file: Annotated[Path, typer.Argument(help="A backup made by `orderlog backup`.")],
    ) -> None:
        """Make the event store of an empty data folder from a backup; read models are rebuilt."""
        with failing_clearly():
            make_restore(file)
        typer.echo(f"The event store is restored from {file}.")
