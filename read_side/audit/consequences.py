"""What followed from what, over the causation that each event's metadata name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """The entries, each under the one that caused it where that is among them."""
    nodes = {
        entry["event_id"]: cast("Followed", {**entry, "consequences": []}) for entry in entries
    }
    causes: dict[str, str] = {}
    roots: list[Followed] = []
    for event_id, node in nodes.items():
        cause = node["causation_id"]
        if cause is None or cause not in nodes or event_id in _chain(cause, causes):
            roots.append(node)
        else:
            causes[event_id] = cause
            nodes[cause]["consequences"].append(node)
    return roots


def _chain(event_id: str, causes: Mapping[str, str]) -> Iterator[str]:
    """The event, its cause, the cause of that, and so on."""
    at: str | None = event_id
    while at is not None:
        yield at
        at = causes.get(at)
