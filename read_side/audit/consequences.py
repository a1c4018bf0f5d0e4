"""What followed from what, over the causation that each event's metadata name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from typing_extensions import TypedDict

from contracts.documents import EventLogDocument
from read_side.audit.entries import Entry
from read_side.audit.index import find
from read_side.port import AnyOf, Documents

MOST_EVENTS = 1_000
MOST_STEPS = 50
"""So far consequences of consequences are followed."""


class Followed(Entry):
    """An entry, and the entries of what it caused."""

    consequences: list[Followed]


class Consequences(Followed):
    """The root of a tree: `cause` is the event that caused it, if one did that is shown.

    `truncated` says that more followed than is shown.
    """

    cause: Entry | None
    truncated: bool


class Forest(TypedDict):
    """Several trees. `truncated` says that more followed than is shown."""

    trees: list[Followed]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What followed, those that caused others first."""

    events: Sequence[EventLogDocument]
    truncated: bool


async def follow(documents: Documents, event_ids: Iterable[str]) -> Found:
    """All that followed from these events, step by step.

    Raises:
        ReadStoreUnavailable: the read store can't answer now.
    """
    known = set(event_ids)
    found: list[EventLogDocument] = []
    causes = tuple(known)
    for _ in range(MOST_STEPS):
        room = MOST_EVENTS - len(found)
        step = await find(documents, [AnyOf("causation_id", causes)], limit=room + 1)
        new = [one for one in step[:room] if one["event_id"] not in known]
        found += new
        if len(step) > room:
            return Found(found, truncated=True)
        causes = tuple(one["event_id"] for one in new)
        known.update(causes)
        if not causes:
            return Found(found, truncated=False)
    return Found(found, truncated=True)


def trees_of(entries: Iterable[Entry]) -> list[Followed]:
    """The entries, each under the one that caused it where that came before."""
    roots: list[Followed] = []
    known: dict[str, Followed] = {}
    for entry in entries:
        node = cast("Followed", {**entry, "consequences": []})
        cause = known.get(entry["causation_id"] or "")
        (roots if cause is None else cause["consequences"]).append(node)
        known[entry["event_id"]] = node
    return roots
