"""Identities and positions of several event stores that are read as one, written as one string.

Where each context has an event store of its own, the merged store's identity and positions name
each context's: `inventory=...;sales=...;users=...`. Those of a single store are plain strings.
Plain ones compare as strings, composite ones only part by part.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.registry import CATEGORIES, category_of

_PARTS, _NAME = ";", "="


def compose(parts: Mapping[str, str]) -> str:
    """One string of what each context's store has."""
    return _PARTS.join(f"{name}{_NAME}{parts[name]}" for name in sorted(parts))


def parts_of(text: str) -> Mapping[str, str] | None:
    """What each context's store has; None for a plain string."""
    if _NAME not in text:
        return None
    pairs = (part.partition(_NAME) for part in text.split(_PARTS))
    return {name: value for name, _, value in pairs}


def part_for(text: str, stream: str) -> str:
    """What the store of this stream, or of this category, has; empty: nothing yet.

    A plain string is its own only part.
    """
    parts = parts_of(text)
    if parts is None:
        return text
    category = CATEGORIES.get(category_of(stream))
    return "" if category is None else parts.get(category.context, "")
