"""`orderlog events`: read and follow events, and the catalogue of their types."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from contextlib import aclosing
from typing import Annotated, Any

import typer

from api.cli.application import Application, OpenApplication
from api.cli.output import fail, print_json, print_json_line, print_line, print_table
from api.cli.running import run
from api.cli.shown_event import ShownEvent, line_of, shown
from contracts.registry import CATEGORIES, EVENT_TYPES, category_of, data_schema, is_secret
from event_store.composite import after_event
from event_store.port import Position, RecordedEvent

END = "end"
_PAGE = 500
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Print each event as JSON on a line of its own.")
]
AsSchemas = Annotated[
    bool, typer.Option("--json", help="Print JSON, with the JSON Schema of each type.")
]
Stream = Annotated[str, typer.Argument(help="Category and id, such as order-9f1c...")]
After = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="POSITION",
        help="Begin after this position (the first column); 'end': only what is new. "
        "Without it all events are shown.",
    ),
]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only this type; can be repeated.")]
Categories = Annotated[
    list[str] | None, typer.Option("--category", help="Only these streams; can be repeated.")
]
Follow = Annotated[bool, typer.Option(help="Wait for more at the end, until Ctrl-C.")]


def add_events(cli: typer.Typer, open_application: OpenApplication) -> None:
    """Add `events show`, `events tail` and `events types`."""
    events = typer.Typer(
        help="Read and follow events; the catalogue of their types.", no_args_is_help=True
    )
    cli.add_typer(events, name="events")
    _add_show(events, open_application)
    _add_tail(events, open_application)
    _add_types(events)


def _add_show(events: typer.Typer, open_application: OpenApplication) -> None:
    @events.command(
        epilog="Examples:\n\norderlog events show order-9f1c2d3e-0000-4000-8000-000000000001\n\n"
        "orderlog events show stock-TEA.GREEN.100 --json",
    )
    def show(stream: Stream, as_json: AsJson = False) -> None:
        """Print the events of one stream, the oldest first. Secret streams are never shown."""
        _refuse_secret(stream)
        found = run(open_application, lambda application: _read(application, stream))
        if not found:
            fail(f"There is no stream {stream}.")
        if as_json:
            print_json([shown(event) for event in found])
        else:
            for event in found:
                print_line(*line_of(shown(event)))


def _add_tail(events: typer.Typer, open_application: OpenApplication) -> None:
    @events.command(
        epilog="Examples:\n\norderlog events tail\n\n"
        "orderlog events tail --from end --category order\n\n"
        "orderlog events tail --no-follow --type OrderCreated --json",
    )
    def tail(
        after: After = None,
        types: Types = None,
        categories: Categories = None,
        follow: Follow = True,
        as_json: AsJsonLines = False,
    ) -> None:
        """Print events in the order they were recorded, each at once. Secret ones are left out."""
        chosen = _categories(categories or [])
        _check_types(types or [])

        async def work(application: Application) -> None:
            start = await application.events.head() if after == END else after
            await _follow(application, start, chosen, types or [], follow=follow, as_json=as_json)

        run(open_application, work)


def _add_types(events: typer.Typer) -> None:
    @events.command(
        name="types",
        epilog="Examples:\n\norderlog events types\n\norderlog events types --json",
    )
    def list_types(as_json: AsSchemas = False) -> None:
        """Print every type of event, with its schema version and who can see it."""
        catalogue = event_types()
        if as_json:
            print_json(catalogue)
            return
        rows = [
            (it["type"], it["schema_version"], it["category"], _visibility(it), it["description"])
            for it in catalogue
        ]
        columns = ("type", "version", "category", "visibility", "description")
        print_table(columns, rows, "There are no types.")


def event_types() -> Sequence[dict[str, Any]]:
    """Every type: name, schema version, category, who can see it, JSON Schema of its data."""
    return [
        {
            "type": name,
            "schema_version": event.SCHEMA_VERSION,
            "category": event.CATEGORY,
            "published": CATEGORIES[event.CATEGORY].published,
            "secret": CATEGORIES[event.CATEGORY].secret,
            "description": (inspect.getdoc(event) or "").partition("\n")[0],
            "schema": data_schema(event),
        }
        for name, event in EVENT_TYPES.items()
    ]


def _visibility(event_type: dict[str, Any]) -> str:
    if event_type["secret"]:
        return "secret"
    return "published" if event_type["published"] else "internal"


async def _read(application: Application, stream: str) -> Sequence[RecordedEvent]:
    events: list[RecordedEvent] = []
    while page := await application.events.read_stream(stream, first=len(events), limit=_PAGE):
        events.extend(page)
    return events


async def _follow(
    application: Application,
    start: str | None,
    categories: Collection[str],
    types: Collection[str],
    *,
    follow: bool,
    as_json: bool,
) -> None:
    after = None if start is None else Position(start)
    deliveries = application.events.subscribe(after=after, categories=categories)
    async with aclosing(deliveries):
        async for delivery in deliveries:
            for event in delivery.events:
                at = after_event(start, delivery.position, event.stream, event.position)
                if not is_secret(event.stream) and (not types or event.type in types):
                    _print(shown(event, at), as_json=as_json)
                start = at
            start = delivery.position
            if delivery.caught_up and not follow:
                return


def _print(event: ShownEvent, *, as_json: bool) -> None:
    if as_json:
        print_json_line(event)
    else:
        print_line(*line_of(event))


def _refuse_secret(stream: str) -> None:
    if is_secret(stream):
        known = category_of(stream) in CATEGORIES
        what = "is secret" if known else "is of an unknown category"
        fail(f"The stream {stream} {what} and is never shown.")


def _categories(chosen: Collection[str]) -> Collection[str]:
    for name in chosen:
        category = CATEGORIES.get(name)
        if category is None:
            known = ", ".join(c.name for c in CATEGORIES.values() if not c.secret)
            raise typer.BadParameter(f"{name!r} is no category; there are {known}.")
        if category.secret:
            fail(f"Streams of the category {name} are secret and are never shown.")
    return chosen or [c.name for c in CATEGORIES.values() if not c.secret]


def _check_types(chosen: Collection[str]) -> None:
    for name in chosen:
        event = EVENT_TYPES.get(name)
        if event is None:
            raise typer.BadParameter(f"{name!r} is no type; `orderlog events types` lists them.")
        if CATEGORIES[event.CATEGORY].secret:
            fail(f"Events of the type {name} are secret and are never shown.")
