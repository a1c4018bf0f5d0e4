from __future__ import annotations

from pathlib import Path

import pytest

from contracts.registry import CONTEXTS

BY_CONTEXT = {f"{context}_event_store": "sqlite" for context in CONTEXTS}
"""Settings with which each context has a file of its own."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"
