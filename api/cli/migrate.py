"""`orderlog migrate`: moves the events into another event store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from api.cli.counting import counting
from api.cli.output import print_json
from api.cli.running import failing_clearly
from event_store.migration import Migrated, Watch


@dataclass(frozen=True)
class Move:
    """What was moved, from where to where; no passwords are in it."""

    source: str
    target: str
    settings: Mapping[str, str | None]
    """What to set from now on; None: not to be set."""
    migrated: Migrated
    seconds: float


Migrate = Callable[[str, Watch], Awaitable[Move]]
"""Moves all events to what is named; raises `CannotOpen` or an event store's error."""

To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="STORE",
        envvar="ORDERLOG_MIGRATE_TO",
        help="A URI of EventStoreDB, sqlite (the data folder's file) or sqlite:FOLDER/events.db.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_migrate(cli: typer.Typer, migrate: Migrate) -> None:
    """Add `migrate`."""

    @cli.command(
        name="migrate",
        epilog="Examples:\n\norderlog migrate --to 'esdb://127.0.0.1:2113?Tls=false'\n\n"
        "ORDERLOG_EVENT_STORE='esdb://127.0.0.1:2113?Tls=false' orderlog migrate --to sqlite",
    )
    def migrate_events(to: To, as_json: AsJson = False) -> None:
        """Move all events from the store that the settings name to EventStoreDB, or to SQLite.

        Nobody may serve from either meanwhile. Killed, the same command goes on; a target that
        holds other events is refused. The source is left as it is.
        """
        with failing_clearly():
            move = asyncio.run(_awaited(migrate(to, counting)))
        if as_json:
            print_json(_for_programs(move))
        else:
            _tell(move)


async def _awaited(moving: Awaitable[Move]) -> Move:
    return await moving


def _for_programs(move: Move) -> dict[str, object]:
    migrated, history = move.migrated, move.migrated.history
    return {
        "from": move.source,
        "to": move.target,
        "events": history.events,
        "streams": history.streams,
        "moved": history.events - migrated.already_there,
        "already_there": migrated.already_there,
        "proven": history.proven,
        "unchained": history.unchained,
        "findings": history.findings,
        "checkpoints": migrated.checkpoints,
        "parked": migrated.parked,
        "seconds": round(move.seconds, 3),
        "settings": move.settings,
    }


def _tell(move: Move) -> None:
    migrated, history = move.migrated, move.migrated.history
    moved = history.events - migrated.already_there
    before = f", {migrated.already_there:,} were there" if migrated.already_there else ""
    typer.echo(
        f"{move.source} is moved to {move.target}: {history.events:,} events of "
        f"{history.streams:,} streams ({moved:,} moved{before}) in {move.seconds:.1f} s."
    )
    typer.echo(
        f"{len(migrated.checkpoints)} checkpoints and {migrated.parked} parked streams of policies "
        "went along; read models are rebuilt when it is served."
    )
    _tell_verdict(migrated)
    typer.echo("From now on:")
    for name, value in move.settings.items():
        typer.echo(f"  unset {name}" if value is None else f"  export {name}='{value}'")


def _tell_verdict(migrated: Migrated) -> None:
    history = migrated.history
    typer.echo(
        f"Checked in the target, as in the source: {history.proven:,} events are as they were "
        f"recorded, {history.unchained:,} are of before there were hashes."
    )
    if history.findings:
        typer.echo(
            f"orderlog: {history.findings} findings, in the source as in the target: "
            "`orderlog audit verify` names them.",
            err=True,
        )
