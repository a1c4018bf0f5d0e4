"""Which contexts of a shop have an event store of their own; a shop keeps what it began with.

Noted in the data folder, so that nobody goes on without the events of a context because a setting
was forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

import msgspec

from api.cli.application import CannotOpen
from bootstrap.settings import Settings
from contracts.registry import CONTEXTS

SQLITE = "sqlite"
Kind = Literal["sqlite", "server"]


def setting_of(context: str) -> str:
    """The name of the setting for the context's own store."""
    return f"ORDERLOG_{context.upper()}_EVENT_STORE"


def own_stores(settings: Settings) -> Mapping[str, str]:
    """What the settings name for contexts with a store of their own: `sqlite` or a URI."""
    named = {context: getattr(settings, f"{context}_event_store") for context in CONTEXTS}
    return {context: it.get_secret_value() for context, it in named.items() if it is not None}


def is_noted(settings: Settings) -> bool:
    """Whether a shop was begun in the data folder with a store for any context."""
    return bool(_remembered(settings))


def is_remembered(settings: Settings) -> bool:
    """Whether the shop is noted to have just the stores that the settings name."""
    return _remembered(settings) == _kinds(settings)


def remember(settings: Settings) -> None:
    """Note that the shop has the stores that the settings name."""
    if is_remembered(settings):
        return
    settings.data.mkdir(parents=True, exist_ok=True)
    path = settings.data / "event-stores"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(_kinds(settings)) + b"\n")
    temporary.replace(path)


def refuse_other_stores(settings: Settings) -> None:
    """Let nobody go on without the events of a context.

    Raises:
        CannotOpen: the shop has a store for a context that the settings don't name.
    """
    kinds = _kinds(settings)
    for context, kind in _remembered(settings).items():
        if kinds.get(context) != kind:
            it, set_to = ("a file", "=sqlite") if kind == SQLITE else ("an EventStoreDB", "")
            raise CannotOpen(
                f"The events of {context} of the shop in {settings.data} are in {it} of their "
                f"own: set {setting_of(context)}{set_to}."
            )


def refuse_several(settings: Settings, what: str) -> None:
    """Let nobody do with one event store what would have to be done with all of them.

    Raises:
        CannotOpen: the shop has several.
    """
    if own_stores(settings) or is_noted(settings):
        raise CannotOpen(
            f"The shop in {settings.data} has several event stores, and {what} knows one only: "
            "stop it and copy the whole folder, and what EventStoreDB holds by its own means."
        )


def _kinds(settings: Settings) -> dict[str, Kind]:
    return {
        context: SQLITE if named == SQLITE else "server"
        for context, named in own_stores(settings).items()
    }


def _remembered(settings: Settings) -> dict[str, Kind]:
    path = settings.data / "event-stores"
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Kind])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise CannotOpen(f"{path} is damaged: {error}") from error
