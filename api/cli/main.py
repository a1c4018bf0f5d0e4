"""The command line, put together from its parts."""

from __future__ import annotations

import typer

from api.cli.application import Copy, OpenApplication
from api.cli.audit import add_audit
from api.cli.copies import add_backup
from api.cli.events import add_events
from api.cli.importing import add_import
from api.cli.operations import add_parked, add_projections
from api.cli.tokens import add_token
from api.cli.verify import add_verification


def create_cli(
    open_application: OpenApplication,
    open_or_begin: OpenApplication,
    backup: Copy,
    restore: Copy,
) -> typer.Typer:
    """All commands that work on an opened application; processes to serve are added to it.

    Args:
        open_application: opens the application that the settings describe, where there is one.
        open_or_begin: opens it too, and makes a new one where there is none.
        backup: copies the live event store into a new file.
        restore: makes the event store from such a file.
    """
    cli = typer.Typer(
        name="orderlog",
        help="Orders as events: commands in, events kept, read models answering. "
        "Exit code 0: done, 1: refused or failed, 2: wrong usage.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    add_token(cli, open_application)
    add_events(cli, open_application)
    add_verification(add_audit(cli, open_application), open_application)
    add_projections(cli, open_application)
    add_parked(cli, open_application)
    add_import(cli, open_or_begin)
    add_backup(cli, backup, restore)
    return cli
