"""How columns and tables are named in SQL."""

from __future__ import annotations

from read_side.fields import Column


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def column_sql(column: Column) -> str:
    """The quoted name of the column."""
    return quoted(f"f_{column.name}")


def reference(column: Column) -> str:
    """The column in a query over `documents d` or a list's table `n`."""
    return f"{'d' if column.nested is None else 'n'}.{column_sql(column)}"


def list_table(name: str) -> str:
    """The table with the objects of a list."""
    return quoted(f"nested_{name}")
