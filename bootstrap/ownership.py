"""One process owns a data folder's projections and policies."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class AlreadyOwned(Exception):
    """Another process serves from this data folder."""


@contextmanager
def owning(folder: Path) -> Generator[None]:
    """Own the folder for as long as this lasts; the system takes it back when a process dies.

    Raises:
        AlreadyOwned: another process does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyOwned(
                f"Another orderlog serves from {folder} already. Stop it first, or set "
                "ORDERLOG_DATA to another folder."
            ) from None
        yield
