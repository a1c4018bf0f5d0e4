"""`orderlog audit`: who changed what, when, by which command, and what followed."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Annotated, TextIO, TypeVar

import msgspec
import typer

from api.cli.application import Application, OpenApplication
from api.cli.audit_text import EntryTable, print_entries, print_trees
from api.cli.output import JsonList, fail, print_json
from api.cli.running import failing_clearly, run
from contracts.documents import EVENT_LOG
from read_side.audit.consequences import trees_of
from read_side.audit.entries import Entry
from read_side.audit.index import EventFilter
from read_side.freshness import FRESH_SECONDS
from read_side.port import ReadStoreUnavailable

STDOUT = "-"
_MOST_IN_TREES = 10_000
T = TypeVar("T")


def is_text(value: str) -> str:
    """The argument, if it is text.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("this is not UTF-8") from None
    return value


Id = Annotated[str, typer.Argument(callback=is_text, help="Its id.")]
Stream = Annotated[
    str, typer.Argument(callback=is_text, help="Category and id, such as order-9f1c...")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="At most so many, the oldest first; all if not given.")
]
Export = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write JSON Lines, one event a line; - is the output."),
]


def add_audit(cli: typer.Typer, open_application: OpenApplication) -> typer.Typer:
    """Add `audit order`, `stream`, `correlation`, `actor` and `event`; returns the group."""
    audit = typer.Typer(
        help="Who changed what, when, by which command, and what followed.", no_args_is_help=True
    )
    cli.add_typer(audit, name="audit")
    _add_order(audit, open_application)
    _add_stream(audit, open_application)
    _add_searches(audit, open_application)
    _add_event(audit, open_application)
    return audit


def _add_order(audit: typer.Typer, open_application: OpenApplication) -> None:
    @audit.command(epilog="Example:\n\norderlog audit order 9f1c2d3e-0000-4000-8000-000000000001")
    def order(order_id: Id, as_json: AsJson = False) -> None:
        """Print what happened to an order, and what followed from it."""
        _print_stream(open_application, f"order-{order_id}", as_json=as_json)


def _add_stream(audit: typer.Typer, open_application: OpenApplication) -> None:
    @audit.command(
        epilog="Examples:\n\norderlog audit stream stock-TEA.GREEN.100\n\n"
        "orderlog audit stream order-9f1c... --export order.jsonl",
    )
    def stream(stream: Stream, as_json: AsJson = False, export: Export = None) -> None:
        """Print what happened in a stream. Streams that are not published are never shown."""
        if export is None:
            _print_stream(open_application, stream, as_json=as_json)
        else:
            _export(open_application, stream, export)


def _add_searches(audit: typer.Typer, open_application: OpenApplication) -> None:
    @audit.command(epilog="Example:\n\norderlog audit correlation 5b1f9a52-8a0e-4b0c-a4f7-...")
    def correlation(correlation_id: Id, as_json: AsJson = False) -> None:
        """Print all that belongs to one request from outside, as a tree of what caused what."""
        wanted = EventFilter(correlation_id=correlation_id)
        entries = _indexed(open_application, lambda application: _search(application, wanted))
        if not entries:
            fail(f"Nothing is known of the correlation {correlation_id}.")
        if as_json:
            print_json(entries[:_MOST_IN_TREES])
        else:
            print_trees(f"correlation {correlation_id}", trees_of(entries[:_MOST_IN_TREES]))
        _warn_truncated(truncated=len(entries) > _MOST_IN_TREES)

    @audit.command(
        epilog="Examples:\n\norderlog audit actor 77aa1c2e-0b1e-4c1f-9a55-3f0c8f6d2b10\n\n"
        "orderlog audit actor orderlog --limit 100"
    )
    def actor(actor_id: Id, limit: Limit = None, as_json: AsJson = False) -> None:
        """Print all that a user or service did; `orderlog` is the system itself."""
        wanted = EventFilter(actor=actor_id)
        listed = JsonList()
        print_more = listed.add_all if as_json else EntryTable(with_stream=True).add
        found = _indexed(
            open_application,
            lambda application: _print_found(application, wanted, print_more, limit),
        )
        if not found:
            fail(f"Nothing is known of what {actor_id} did.")
        if as_json:
            listed.end()


def _add_event(audit: typer.Typer, open_application: OpenApplication) -> None:
    @audit.command(epilog="Example:\n\norderlog audit event 3f0c8f6d-2b10-4c1f-9a55-77aa1c2e0b1e")
    def event(event_id: Id, as_json: AsJson = False) -> None:
        """Print an event, what caused it, and the tree of what followed from it."""
        tree = _indexed(
            open_application, lambda application: application.audit.consequences(event_id)
        )
        if as_json:
            print_json(tree)
            return
        cause = tree["cause"]
        title = "from outside" if cause is None else f"because {cause['summary']}"
        print_trees(title, [tree])
        _warn_truncated(truncated=tree["truncated"])


def _print_stream(open_application: OpenApplication, stream: str, *, as_json: bool) -> None:
    async def work(application: Application) -> None:
        entries = [entry async for entry in application.audit.stream_entries(stream)]
        if not entries:
            fail(f"There is no stream {stream}.")
        if as_json:
            print_json(entries)
            return
        print_entries(entries, with_stream=False)
        await _print_connections(application, entries)

    run(open_application, work)


async def _print_connections(application: Application, entries: list[Entry]) -> None:
    try:
        await _warn_of_lag(application)
        forest = await application.audit.connections(entries)
    except ReadStoreUnavailable as error:
        typer.echo(f"orderlog: what caused it and what followed can't be told: {error}", err=True)
        return
    trees = [tree for tree in forest["trees"] if tree["consequences"]]
    if trees:
        print_trees("what led to what", trees)
    _warn_truncated(truncated=forest["truncated"])


async def _print_found(
    application: Application,
    wanted: EventFilter,
    print_more: Callable[[Sequence[Entry]], None],
    limit: int | None,
) -> int:
    """Print what is found as it is found, at most so many; how many were printed."""
    printed = 0
    async with aclosing(application.audit.all_events(wanted)) as batches:
        async for entries in batches:
            left = len(entries) if limit is None else limit - printed
            print_more(entries[:left])
            printed += len(entries[:left])
            if left < len(entries):
                typer.echo(f"orderlog: only the first {printed:,} are shown.", err=True)
                break
    return printed


async def _search(application: Application, wanted: EventFilter) -> list[Entry]:
    """What is found, and a few more than can be shown if there are."""
    found: list[Entry] = []
    async with aclosing(application.audit.all_events(wanted)) as batches:
        async for entries in batches:
            found += entries
            if len(found) > _MOST_IN_TREES:
                break
    return found


def _indexed(open_application: OpenApplication, ask: Callable[[Application], Awaitable[T]]) -> T:
    """Ask the index, and say when it may lack what is newest."""

    async def work(application: Application) -> T:
        await _warn_of_lag(application)
        return await ask(application)

    return run(open_application, work)


async def _warn_of_lag(application: Application) -> None:
    lag = await application.projections.lag(EVENT_LOG.name)
    if lag is None or lag > FRESH_SECONDS:
        typer.echo(
            "orderlog: the index of events lacks what is newest; `orderlog serve` completes it.",
            err=True,
        )


def _warn_truncated(*, truncated: bool) -> None:
    if truncated:
        typer.echo("orderlog: more followed than is shown.", err=True)


def _export(open_application: OpenApplication, stream: str, target: str) -> None:
    with failing_clearly(), _opened(target) as file:
        written = run(open_application, lambda application: _write(application, stream, file))
    if file is not sys.stdout:
        typer.echo(f"{written} events are written to {target}.", err=True)


@contextmanager
def _opened(target: str) -> Generator[TextIO]:
    """A file to write; a plain file is there whole or not at all."""
    path = Path(target)
    if target == STDOUT:
        yield sys.stdout
    elif path.exists() and not path.is_file():
        # A device or a pipe: nothing may take its place.
        with path.open("w", encoding="utf-8") as file:
            yield file
    else:
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with partial.open("w", encoding="utf-8") as file:
                yield file
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


async def _write(application: Application, stream: str, file: TextIO) -> int:
    written = 0
    async with aclosing(application.audit.stream_entries(stream)) as entries:
        async for entry in entries:
            file.write(msgspec.json.encode(entry).decode() + "\n")
            written += 1
    if not written:
        fail(f"There is no stream {stream}.")
    return written
