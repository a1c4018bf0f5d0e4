"""What of a text full-text search goes by."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_MOST_WORDS = 50


def searched_words(text: str) -> Sequence[Sequence[str]]:
    """The words that are searched for, each once and in its parts, without other signs; the first
    50 of them.
    """
    words: dict[tuple[str, ...], None] = {}
    for piece in text.split():
        parts = parts_of(piece)
        if any(char.isalnum() for part in parts for char in part):
            words[tuple(parts)] = None
        if len(words) == _MOST_WORDS:
            break
    return list(words)


def parts_of(text: str) -> Sequence[str]:
    """The runs of letters, digits and marks in a text."""
    return "".join(char if _in_word(char) else " " for char in text).split()


def _in_word(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LNM" or category == "Co"
