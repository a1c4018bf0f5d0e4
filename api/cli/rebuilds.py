"""`orderlog projections rebuild`, `compare`, `switch` and `rollback`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from api.cli.application import Application, OpenApplication, SteeredProjections
from api.cli.output import complain, fail, print_json
from api.cli.rebuild_text import (
    Rebuilt,
    outcome_json,
    rebuilt_json,
    showing,
    tell_comparison,
    tell_outcome,
)
from api.cli.running import run
from contracts.errors import DomainError
from event_store.errors import EventStoreError
from event_store.shares import MOST
from projections.lease import Progress
from projections.rebuild import Outcome
from read_side.port import ReadStoreError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="Of the projection, such as order_details.")]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST,
        help="Processes that replay, where the read store takes several (Elasticsearch); "
        "ORDERLOG_REBUILD_PROCESSES or the number of cores if not given.",
        show_default=False,
    ),
]
T = TypeVar("T")
Names = Annotated[
    list[str] | None, typer.Argument(help="Of projections, such as order_details customers.")
]
All = Annotated[bool, typer.Option("--all", help="All projections, one after the other.")]
NoSwitch = Annotated[
    bool, typer.Option("--no-switch", help="Build and compare only; `switch` it later.")
]

_Rebuild = Callable[[str, Callable[[Progress], None]], Awaitable[Outcome]]


def add_rebuilds(projections: typer.Typer, open_application: OpenApplication) -> None:
    """Add what replays projections and chooses between their generations."""
    _add_rebuild(projections, open_application)
    _add_compare(projections, open_application)
    _add_switches(projections, open_application)


def _add_rebuild(projections: typer.Typer, open_application: OpenApplication) -> None:
    @projections.command(
        epilog="Examples:\n\norderlog projections rebuild order_details\n\n"
        "orderlog projections rebuild --all --no-switch --json"
    )
    def rebuild(
        names: Names = None,
        every: All = False,
        no_switch: NoSwitch = False,
        processes: Processes = None,
        as_json: AsJson = False,
    ) -> None:
        """Replay all events into a new generation, compare it with what serves, and switch.

        The shop stays open. Differences are told and don't keep it from switching; a parked event
        does, and the exit code is 1, as it is when one of them can't be rebuilt. All are tried.
        """
        if bool(names) == every:
            raise typer.BadParameter("name projections, or say --all", param_hint="NAMES")

        async def work(application: Application) -> list[Rebuilt]:
            chosen = await _known(application, names)

            async def rebuild(name: str, report: Callable[[Progress], None]) -> Outcome:
                return await application.projections.rebuild(
                    name, switch=not no_switch, report=report, processes=processes
                )

            return [await _rebuilt(name, rebuild, as_json=as_json) for name in chosen]

        done = run(open_application, work)
        if as_json:
            print_json([rebuilt_json(one) for one in done])
        if not all(one.is_well for one in done):
            raise typer.Exit(1)


async def _rebuilt(name: str, rebuild: _Rebuild, *, as_json: bool) -> Rebuilt:
    """Rebuild one; what goes wrong with it does not keep the others from being tried."""
    try:
        with showing(quiet=as_json) as shown:
            outcome = await rebuild(name, shown.report)
    except DomainError as error:
        return _not_rebuilt(name, error.detail)
    except (EventStoreError, ReadStoreError) as error:
        return _not_rebuilt(name, str(error))
    if not as_json:
        tell_outcome(outcome)
    return Rebuilt(name, outcome, None)


def _not_rebuilt(name: str, error: str) -> Rebuilt:
    complain(f"{name} was not rebuilt: {error}")
    return Rebuilt(name, None, error)


def _add_compare(projections: typer.Typer, open_application: OpenApplication) -> None:
    @projections.command(
        epilog="Examples:\n\norderlog projections compare order_details\n\n"
        "orderlog projections compare order_details --json"
    )
    def compare(name: Name, as_json: AsJson = False) -> None:
        """Compare the documents that serve with those built beside them, or kept from before."""
        found = run(open_application, _on(name, lambda projections: projections.compare(name)))
        if as_json:
            print_json(found)
        else:
            tell_comparison(name, found)


def _add_switches(projections: typer.Typer, open_application: OpenApplication) -> None:
    @projections.command(epilog="Example:\n\norderlog projections switch order_details")
    def switch(name: Name, as_json: AsJson = False) -> None:
        """Let the generation answer queries that `rebuild --no-switch` has built."""
        work = _on(name, lambda projections: projections.switch(name))
        _finish(run(open_application, work), as_json)

    @projections.command(epilog="Example:\n\norderlog projections rollback order_details")
    def rollback(name: Name, as_json: AsJson = False) -> None:
        """Bring the generation that served before up to date, then switch back to it."""
        work = _on(name, lambda projections: projections.rollback(name))
        _finish(run(open_application, work), as_json)


def _finish(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome_json(outcome))
    else:
        tell_outcome(outcome)
    if outcome.parked:
        raise typer.Exit(1)


def _on(
    name: str, ask: Callable[[SteeredProjections], Awaitable[T]]
) -> Callable[[Application], Awaitable[T]]:
    async def work(application: Application) -> T:
        await _known(application, [name])
        return await ask(application.projections)

    return work


async def _known(application: Application, names: Sequence[str] | None) -> Sequence[str]:
    """The names asked for, or all; none of them unknown."""
    there = [state.name for state in await application.projections.states()]
    for name in names or ():
        if name not in there:
            fail(f"There is no projection {name}; there are {', '.join(there)}.")
    return list(dict.fromkeys(names)) if names else there
