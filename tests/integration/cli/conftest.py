from pathlib import Path

import pytest

from bootstrap.container import Container
from tests.support.cli import ROOT, CommandLine


@pytest.fixture
def orderlog(tmp_path: Path) -> CommandLine:
    """The command line on an empty data folder."""
    return CommandLine(tmp_path / "data")


@pytest.fixture
def begun(orderlog: CommandLine) -> None:
    """The data folder has an empty shop."""

    async def nothing(_container: Container) -> None:
        return

    orderlog.inside(nothing)


@pytest.fixture
def sample() -> Path:
    """The history of a made-up shop."""
    return ROOT / "tests" / "data" / "history"
