"""What commands print."""

from __future__ import annotations

import pytest

from api.cli.output import Aligned, JsonList, harmless, one_line, print_json, print_line


@pytest.mark.parametrize(
    "values", [[], [1], [{"a": [1, {"b": "x\ny"}]}, {"c": "\u00e9\u202e"}, "d"]]
)
def test_a_list_printed_item_by_item_looks_like_one_printed_at_once(capsys, values):
    print_json(values)
    at_once = capsys.readouterr().out
    items = JsonList()
    items.add_all(values[:1])
    items.add_all(values[1:])
    items.end()
    assert capsys.readouterr().out == at_once


def test_columns_stay_aligned_over_several_parts(capsys):
    table = Aligned(("a", "b"))
    table.add([("long", "1")])
    table.add([("x", "2"), ("longer", "3")])
    assert capsys.readouterr().out.splitlines() == [
        "A     B", "long  1", "x       2", "longer  3"
    ]  # fmt: skip


def test_what_steers_terminals_or_reorders_lines_is_not_printed(capsys):
    name = "Ada\u202egro.live\x1b[31m\u2066!"
    assert harmless(name) == "Ada\ufffdgro.live\ufffd[31m\ufffd!"
    assert one_line(f"a\t{name}\n") == f"a {harmless(name)}"
    assert harmless("\u05d0\u200f 1") == "\u05d0\u200f 1"  # a mark that such scripts need
    print_line((name, "bold"))
    assert capsys.readouterr().out == f"{harmless(name)}\n"
