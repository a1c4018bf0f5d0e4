"""What `orderlog audit` prints for people: tables of what happened, trees of what followed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from api.cli.output import Aligned, one_line
from read_side.audit.changes import Change
from read_side.audit.consequences import Followed
from read_side.audit.entries import Entry

_NEVER_WRAPPED = 1_000_000
_COLUMNS = ("event", "happened", "recorded", "what", "command", "changes")


class EntryTable:
    """Prints entries as they come: a table through a pipe, and one that is read on a terminal.

    On a terminal only words wrap: times and version stay whole, and changes stand below.
    """

    def __init__(self, *, with_stream: bool) -> None:
        """Print nothing until the first entries."""
        self._with_stream = with_stream
        self._aligned = Aligned(_COLUMNS)
        self._begun = False

    def add(self, entries: Sequence[Entry]) -> None:
        """Print more entries."""
        if not entries:
            return
        if not sys.stdout.isatty():
            self._aligned.add([_cells(one, with_stream=self._with_stream) for one in entries])
            return
        table = Table(show_header=not self._begun, show_lines=True, expand=True)
        table.add_column("happened\nrecorded", no_wrap=True)
        table.add_column("what", ratio=1, overflow="fold")
        for entry in entries:
            times = f"{_when(entry['occurred_at'])}\n{_when(entry['recorded_at'])}"
            table.add_row(Text(times, "cyan"), _told(entry, with_stream=self._with_stream))
        Console().print(table)
        self._begun = True


def print_entries(entries: Sequence[Entry], *, with_stream: bool) -> None:
    """Print a table of entries."""
    EntryTable(with_stream=with_stream).add(entries)


def _told(entry: Entry, *, with_stream: bool) -> Text:
    where = f"version {entry['version']}"
    if with_stream:
        where += f" of {one_line(entry['stream'])}"
    lines = [
        Text(one_line(entry["summary"]), "bold"),
        Text(f"{one_line(entry['command'] or 'unknown')}, {where}"),
        *(Text(f"- {one_line(change_text(change))}", "dim") for change in entry["changes"]),
    ]
    return Text("\n").join(lines)


def print_trees(title: str, trees: Sequence[Followed]) -> None:
    """Print trees of what caused what; through a pipe no line is ever wrapped."""
    whole = Tree(Text(one_line(title), style="bold"))
    for root in trees:
        _add(whole, root)
    width = None if sys.stdout.isatty() else _NEVER_WRAPPED
    Console(highlight=False, width=width).print(whole, soft_wrap=width is not None)


def _add(tree: Tree, node: Followed) -> None:
    under = tree.add(_label(node))
    for one in node["consequences"]:
        _add(under, one)


def _label(entry: Entry) -> Text:
    return Text.assemble(
        (_when(entry["occurred_at"]), "cyan"),
        " ",
        (one_line(entry["summary"]), "bold"),
        f" ({one_line(entry['stream'])}@{entry['version']}, "
        f"{one_line(entry['command'] or 'unknown')})",
    )


def _cells(entry: Entry, *, with_stream: bool) -> list[str]:
    event = str(entry["version"])
    return [
        one_line(f"{entry['stream']}@{event}") if with_stream else event,
        _when(entry["occurred_at"]),
        _when(entry["recorded_at"]),
        one_line(entry["summary"]),
        one_line(entry["command"] or "-"),
        "; ".join(one_line(change_text(change)) for change in entry["changes"]),
    ]


def change_text(change: Change) -> str:
    """A change as `path: before -> after`, or only what came."""
    after = _value(change["after"])
    if change["before"] is None:
        return f"{change['path']}: {after}"
    return f"{change['path']}: {_value(change['before'])} -> {after}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if fields.keys() == {"amount", "currency"}:
            return f"{fields['amount']} {fields['currency']}"
        if fields.keys() >= {"quantity", "product_name", "unit_price"}:
            line = f"{fields['quantity']} x {fields['product_name']}"
            return f"{line} at {_value(fields['unit_price'])}"
        return ", ".join(f"{name} {_value(one)}" for name, one in fields.items() if one is not None)
    return msgspec.json.encode(value).decode()


def _when(time: str | None) -> str:
    """To the second: what is finer is in the JSON."""
    return "unknown" if time is None else time[:19].replace("T", " ")
