"""What became of the lines of an import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from api.cli.output import one_line

CUSTOMERS, PRODUCTS, ORDERS = "customers.jsonl", "products.jsonl", "orders.jsonl"
STOCK, DISCONTINUED = "stock", "discontinued"


class Outcome(Enum):
    """What became of a line."""

    ADDED = "added"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A line that was not taken over, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


def _no_counts() -> dict[str, int]:
    return {outcome.value: 0 for outcome in Outcome}


@dataclass
class Report:
    """Counts by step, and all problems."""

    counts: dict[str, dict[str, int]] = field(
        default_factory=lambda: {
            step: _no_counts() for step in (CUSTOMERS, PRODUCTS, ORDERS, STOCK, DISCONTINUED)
        }
    )
    problems: list[Problem] = field(default_factory=list[Problem])

    def count(self, step: str, outcome: Outcome) -> None:
        """Count a line, or a product's stock or end."""
        self.counts[step][outcome.value] += 1

    def refuse(self, step: str, file: str, line: int, error: Exception) -> None:
        """Count what could not be done, and remember for which line and why."""
        self.count(step, Outcome.REFUSED)
        self.problems.append(Problem(file, line, one_line(str(error))))

    def in_order(self) -> Sequence[Problem]:
        """All problems by file and line."""
        files = (CUSTOMERS, PRODUCTS, ORDERS)
        return sorted(self.problems, key=lambda it: (files.index(it.file), it.line))
