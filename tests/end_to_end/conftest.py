from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.system import System, running


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A started system of its own."""
    with running(tmp_path / "system") as system:
        yield system
