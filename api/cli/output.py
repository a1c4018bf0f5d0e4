"""What commands print: for people on a terminal, for programs through a pipe."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.values import is_control

_REPLACED = "\ufffd"


def print_json(value: Any) -> None:
    """Print a value as indented JSON; times, ids and dataclasses as text and objects."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_json_line(value: Any) -> None:
    """Print a value as JSON on a line of its own, at once."""
    typer.echo(msgspec.json.encode(value).decode())
    sys.stdout.flush()


def print_line(*parts: tuple[str, str]) -> None:
    """Print (text, style) parts on one line, at once; never wrapped, and plain through a pipe."""
    console = Console(highlight=False)
    console.print(
        Text.assemble(*((harmless(text), style) for text, style in parts)), soft_wrap=True
    )


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str, *, whole: int = 0
) -> None:
    """Print a table, or say on stderr that it is `empty`. Through a pipe no cell is ever cut.

    The first `whole` columns are never folded on a terminal either, as long as it is wide enough.
    """
    cells = [[one_line(_text(value)) for value in row] for row in rows]
    if not cells:
        typer.echo(empty, err=True)
    elif sys.stdout.isatty():
        table = Table()
        for number, column in enumerate(columns):
            table.add_column(column, no_wrap=number < whole, overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
    else:
        Aligned(columns).add(cells)


def fail(message: str) -> NoReturn:
    """Say in one line on stderr what is wrong, and end with exit code 1."""
    complain(message)
    raise typer.Exit(1)


def complain(message: str) -> None:
    """Say in one line on stderr what is wrong, and go on."""
    typer.echo(f"orderlog: {one_line(message)}", err=True)


def one_line(text: str) -> str:
    """The text, harmless, with all white space that would break lines or columns as blanks."""
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """The text with what would steer a terminal, or reorder a line, replaced."""
    if text.isprintable():
        return text
    return "".join(_REPLACED if is_control(char) else char for char in text)


class JsonList:
    """Prints a JSON list item by item, as `print_json` would print it at once."""

    def __init__(self) -> None:
        """Print nothing until the first item."""
        self._any = False

    def add_all(self, values: Sequence[Any]) -> None:
        """Print more items."""
        for value in values:
            text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
            typer.echo(",\n" if self._any else "[\n", nl=False)
            typer.echo(textwrap.indent(text, "  "), nl=False)
            self._any = True

    def end(self) -> None:
        """Close the list."""
        typer.echo("\n]" if self._any else "[]")


def _text(value: object) -> str:
    return "-" if value is None else str(value)


class Aligned:
    """Prints rows in columns as wide as the widest cell so far; the heads come first."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Print nothing until the first rows."""
        self._heads = [[column.upper() for column in columns]]
        self._widths = [0] * len(columns)

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Print more rows."""
        rows, self._heads = [*self._heads, *rows], []
        self._widths = [
            max(width, *map(len, column))
            for width, column in zip(self._widths, zip(*rows, strict=True), strict=True)
        ]
        for row in rows:
            padded = (cell.ljust(width) for cell, width in zip(row, self._widths, strict=True))
            typer.echo("  ".join(padded).rstrip())
