"""`orderlog projections` and `orderlog parked`: how read models stand, and what is stuck."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import typer

from api.cli.application import Application, OpenApplication, SteeredProjections
from api.cli.output import fail, print_json, print_table
from api.cli.rebuild_text import amount
from api.cli.rebuilds import add_rebuilds
from api.cli.running import run
from contracts.parked import ParkedStream
from read_side.freshness import ProjectionState

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="Of the projection, such as order_details.")]
ParkedId = Annotated[str, typer.Argument(help="As `orderlog parked list` shows it.")]


def add_projections(cli: typer.Typer, open_application: OpenApplication) -> None:
    """Add `projections list`, `pause` and `resume`, and what rebuilds them."""
    projections = typer.Typer(
        help="The read models: how they stand; pause, resume and rebuild them.",
        no_args_is_help=True,
    )
    cli.add_typer(projections, name="projections")
    _add_list(projections, open_application)
    _add_steering(projections, open_application)
    add_rebuilds(projections, open_application)


def _add_list(projections: typer.Typer, open_application: OpenApplication) -> None:
    @projections.command(
        name="list",
        epilog="Examples:\n\norderlog projections list\n\norderlog projections list --json",
    )
    def list_all(as_json: AsJson = False) -> None:
        """Print state, generation, lag and parked streams of every projection."""
        states = run(open_application, lambda application: application.projections.states())
        if as_json:
            print_json(states)
            return
        rows = [(s.name, s.generation, s.state, _lag(s), s.parked, _rebuild(s)) for s in states]
        columns = ("name", "generation", "state", "lag", "parked", "rebuild")
        print_table(columns, rows, "There are no projections.")


def _add_steering(projections: typer.Typer, open_application: OpenApplication) -> None:
    @projections.command(epilog="Example:\n\norderlog projections pause order_details")
    def pause(name: Name) -> None:
        """Let a projection stand still; what it shows grows old, and is marked stale."""
        run(open_application, _steer(name, lambda projections: projections.pause(name)))
        typer.echo(f"{name} pauses.")

    @projections.command(epilog="Example:\n\norderlog projections resume order_details")
    def resume(name: Name) -> None:
        """Let a paused projection go on and catch up."""
        run(open_application, _steer(name, lambda projections: projections.resume(name)))
        typer.echo(f"{name} goes on.")


def add_parked(cli: typer.Typer, open_application: OpenApplication) -> None:
    """Add `parked list`, `retry` and `discard`."""
    parked = typer.Typer(
        help="Streams that a projection or policy could not go on with.", no_args_is_help=True
    )
    cli.add_typer(parked, name="parked")
    _add_list_of_parked(parked, open_application)
    _add_requests(parked, open_application)


def _add_list_of_parked(parked: typer.Typer, open_application: OpenApplication) -> None:
    @parked.command(
        name="list", epilog="Examples:\n\norderlog parked list\n\norderlog parked list --json"
    )
    def list_all(as_json: AsJson = False) -> None:
        """Print what is parked: the event that failed, and why."""
        streams = run(open_application, lambda application: application.projections.parked())
        if as_json:
            print_json([_shown(stream) for stream in streams])
            return
        print_table(*_table(streams), "Nothing is parked.")


def _add_requests(parked: typer.Typer, open_application: OpenApplication) -> None:
    @parked.command(epilog="Example:\n\norderlog parked retry order_details:order-9f1c...")
    def retry(parked_id: ParkedId) -> None:
        """Ask for the parked event to be tried again, and the stream to go on."""
        _request(open_application, parked_id, lambda projections: projections.retry(parked_id))

    @parked.command(
        epilog="Example:\n\norderlog parked discard order_details:order-9f1c... "
        '--reason "made by a bug"',
    )
    def discard(
        parked_id: ParkedId,
        reason: Annotated[str, typer.Option(help="Why; it is kept.", show_default=False)],
    ) -> None:
        """Ask for the parked event to be given up, and the stream to go on after it."""
        if not reason.strip():
            raise typer.BadParameter("say why", param_hint="--reason")
        _request(
            open_application,
            parked_id,
            lambda projections: projections.discard(parked_id, reason.strip()),
        )


def _steer(
    name: str, ask: Callable[[SteeredProjections], Awaitable[None]]
) -> Callable[[Application], Awaitable[None]]:
    async def work(application: Application) -> None:
        names = [state.name for state in await application.projections.states()]
        if name not in names:
            fail(f"There is no projection {name}; there are {', '.join(names)}.")
        await ask(application.projections)

    return work


def _request(
    open_application: OpenApplication,
    parked_id: str,
    ask: Callable[[SteeredProjections], Awaitable[bool]],
) -> None:
    if not run(open_application, lambda application: ask(application.projections)):
        fail(f"Nothing is parked under {parked_id}; see `orderlog parked list`.")
    typer.echo(f"Asked for {parked_id}; the process that runs it carries it out within seconds.")


def _lag(state: ProjectionState) -> str:
    return "unknown" if state.lag_seconds is None else f"{state.lag_seconds:.1f} s"


def _rebuild(state: ProjectionState) -> str | None:
    at = state.rebuild
    if at is None:
        return None
    if at.phase == "loading":
        return amount(at.done, at.total)
    return at.phase if at.generation is None else f"{at.phase}: {at.generation}"


def _shown(parked: ParkedStream) -> dict[str, Any]:
    return {
        "id": parked.id,
        "projection": parked.subscriber,
        "stream": parked.stream,
        "version": parked.version,
        "event_id": parked.event_id,
        "error": parked.error,
        "parked_at": parked.parked_at,
        "request": parked.request,
        "reason": parked.reason,
    }


def _table(streams: Sequence[ParkedStream]) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    rows = [
        (s.id, s.version, f"{s.parked_at:%Y-%m-%d %H:%M:%S}", s.request, s.error) for s in streams
    ]
    return ("id", "version", "parked at", "asked", "error"), rows
