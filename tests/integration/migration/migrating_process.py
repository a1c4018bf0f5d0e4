"""Moves a history in a process of its own, which is killed when so many events have passed.

Arguments: data folder, URI of the source ("" for its file), target, step, number of events.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from event_store import migration
from tests.integration.migration.conftest import Installation

PAGE = 50
"""Events that are read, and written to a file, at once: fewer than usual."""


def main(data: str, uri: str, target: str, fatal_step: str, fatal_number: str) -> None:
    @contextmanager
    def deadly(step: str, _total: int | None) -> Generator[Callable[[int], None]]:
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            if step == fatal_step and done >= int(fatal_number):
                os.kill(os.getpid(), signal.SIGKILL)

        yield progress

    migration._PAGE = PAGE
    asyncio.run(Installation(Path(data), uri or None).migrate(target, deadly))


if __name__ == "__main__":
    main(*sys.argv[1:])
