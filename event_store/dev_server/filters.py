"""Which events of `$all` a reader wants, by the name of their type or stream."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from event_store.dev_server.records import Record, category_of

_MOST_PREFIXES = 50
"""More are looked for in Python: SQLite limits what one query may say."""
_NAMES_REMEMBERED = 4096
_LITERAL = r"(?:[\w/:@ -]|\\[^\w\s])"
_ALTERNATIVE = re.compile(rf"\^({_LITERAL}+)(?:\.\*)?\$?")
_GROUP = re.compile(
    rf"\^\((?:\?:)?(?P<parts>{_LITERAL}+(?:\|{_LITERAL}+)*)\)(?P<rest>{_LITERAL}*)(?:\.\*)?\$?"
)

Column = Literal["type", "stream"]


class Filter:
    """Selects by prefixes, or by a regular expression that is searched for.

    `prefixes` is what the query can look for: never less than is wanted, and None for everything.
    """

    def __init__(self, column: Column, *, prefixes: tuple[str, ...] = (), regex: str = "") -> None:
        """Select names with one of these prefixes, or, where it is given, by the expression.

        Raises:
            re.error: it is no regular expression.
        """
        self.column = column
        self._of_type = column == "type"
        self._wanted: Callable[[str], object]
        looked_for: tuple[str, ...] | None
        if regex:
            self._wanted = lru_cache(_NAMES_REMEMBERED)(re.compile(regex).search)
            looked_for = _prefixes_in(regex)
        else:
            self._wanted = lambda name: name.startswith(prefixes)
            looked_for = tuple(dict.fromkeys(prefixes))
        many = looked_for is not None and len(looked_for) > _MOST_PREFIXES
        self.prefixes = None if many else looked_for

    @property
    def categories(self) -> tuple[str, ...] | None:
        """The prefixes, when each is a whole category."""
        if self.column != "stream" or not self.prefixes:
            return None
        whole = all(prefix and category_of(prefix) == prefix for prefix in self.prefixes)
        return self.prefixes if whole else None

    @property
    def scans(self) -> bool:
        """Whether the query passes over events that are not wanted, maybe very many."""
        return self.prefixes is not None and self.categories is None

    def accepts(self, record: Record) -> bool:
        """Whether the event is wanted."""
        return bool(self._wanted(record.type if self._of_type else record.stream)) and not (
            record.type == "$epoch-information" or _of_persistent_subscription(record.stream)
        )


def _of_persistent_subscription(stream: str) -> bool:
    return stream.startswith("$persistentsubscription-$all::") and stream.endswith(
        ("-checkpoint", "-parked")
    )


def _prefixes_in(regex: str) -> tuple[str, ...] | None:
    """The prefixes that names need, when the expression does no more than list some.

    Such as `^order-|^stock-` and `^(?:order|stock)-.*$`: clients have no other way to ask for
    prefixes. Names found by them are still matched with the expression.
    """
    grouped = _GROUP.fullmatch(regex)
    if grouped is not None:
        alternatives = [part + grouped["rest"] for part in grouped["parts"].split("|")]
    else:
        found = [_ALTERNATIVE.fullmatch(part) for part in regex.split("|")]
        alternatives = [match[1] for match in found if match is not None]
        if len(alternatives) != len(found):
            return None
    return tuple(dict.fromkeys(re.sub(r"\\(.)", r"\1", text) for text in alternatives))
