from pathlib import Path

import pytest

from tests.support.cli import ROOT, CommandLine


@pytest.fixture
def orderlog(tmp_path: Path) -> CommandLine:
    """The command line on an empty data folder."""
    return CommandLine(tmp_path / "data")


@pytest.fixture
def sample() -> Path:
    """The history of a made-up shop."""
    return ROOT / "tests" / "data" / "history"
