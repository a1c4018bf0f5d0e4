"""Identities and positions of several event stores that are read as one, written as one string.

Where each context has an event store of its own, the merged store's identity and positions name
each of them: `inventory=...;sales=...;users=...`, or `inventory+sales=...;users=...` where two
contexts share one. Those of a single store are plain strings. Plain ones compare as strings,
composite ones only part by part: `covers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from contracts.registry import CATEGORIES, CONTEXTS, category_of
from event_store.errors import InvalidPosition
from event_store.port import Position

_PARTS, _NAME, _TOGETHER = ";", "=", "+"


def compose(parts: Mapping[str, str]) -> str:
    """One string of what each store has; empty: nothing yet."""
    return _PARTS.join(f"{name}{_NAME}{parts[name]}" for name in sorted(parts))


def part_name(contexts: Iterable[str]) -> str:
    """The name of the part that is these contexts' store."""
    return _TOGETHER.join(sorted(contexts))


def contexts_in(name: str) -> frozenset[str]:
    """The contexts whose store the part of this name is."""
    return frozenset(name.split(_TOGETHER))


def parts_of(text: str) -> Mapping[str, str] | None:
    """What each store has, by the name of its part; None for a plain string."""
    if _NAME not in text:
        return None
    pairs = (part.partition(_NAME) for part in text.split(_PARTS))
    return {name: value for name, _, value in pairs}


def context_of(stream: str) -> str:
    """The context in whose store a stream, or a category, is; the first's if nobody knows it."""
    category = CATEGORIES.get(category_of(stream))
    return CONTEXTS[0] if category is None else category.context


def part_for(text: str, stream: str) -> str:
    """What the store of this stream, or of this category, has; empty: nothing yet.

    A plain string is its own only part.
    """
    parts = parts_of(text)
    if parts is None:
        return text
    name = _name_in(parts, stream)
    return "" if name is None else parts[name]


def covers(position: str | None, other: str) -> bool:
    """Whether all that lies up to `other` lies up to `position` too.

    Raises:
        InvalidPosition: one of them is plain and the other is not.
    """
    if position is None or not other:
        return position is not None
    reached, wanted = parts_of(position), parts_of(other)
    if reached is None and wanted is None:
        return position >= other
    if reached is None or wanted is None:
        raise InvalidPosition(f"{position!r} and {other!r} are not positions of one store")
    return all(reached.get(name, "") >= it for name, it in wanted.items())


def after_event(before: str | None, to: str, stream: str, position: str) -> str:
    """Where one is on the way from `before` to `to`, after the event at this position of a stream.

    The position is the one in the stream's own store; the answer is of the kind of `to`.
    """
    ahead = parts_of(to)
    if ahead is None:
        return position
    behind = (parts_of(before) if before else None) or {}
    parts = {name: behind.get(name, "") for name in ahead}
    name = _name_in(parts, stream)
    return compose(parts if name is None else {**parts, name: position})


def start_after(identity: str, reached: Mapping[str, str]) -> Position | None:
    """The position of this store to read on after, when so much is done of each category.

    None: from the start.
    """
    if parts_of(identity) is None:
        earliest = min(reached.values(), default="")
        return Position(earliest) if earliest else None
    return composed_of(identity, reached, min)


def composed_of(
    identity: str, reached: Mapping[str, str], pick: Callable[[Iterable[str]], str]
) -> Position | None:
    """A composite position of this store; a part is picked of those of its categories.

    None: the start.
    """
    parts: dict[str, str] = {}
    for name in parts_of(identity) or ():
        contexts = contexts_in(name)
        own = [position for one, position in reached.items() if context_of(one) in contexts]
        parts[name] = pick(own) if own else ""
    return Position(compose(parts)) if any(parts.values()) else None


def _name_in(parts: Mapping[str, str], stream: str) -> str | None:
    context = context_of(stream)
    return next((name for name in parts if context in contexts_in(name)), None)
