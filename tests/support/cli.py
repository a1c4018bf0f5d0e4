"""The command line on a data folder, called in this process or as a program of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from typer.testing import CliRunner, Result

from bootstrap.container import Container, open_container
from bootstrap.main import command_line
from bootstrap.settings import Settings

ROOT = Path(__file__).parents[2]
ORDERLOG = Path(sys.executable).with_name("orderlog")
"""The console script."""
T = TypeVar("T")


class CommandLine:
    """Calls `orderlog` on one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: object) -> Result:
        """Run a command in this process; what goes wrong unexpectedly is raised."""
        commands = command_line(Settings(_env_file=None, data=self.data))
        result = CliRunner().invoke(commands, [str(word) for word in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: object) -> Any:
        """What a command that succeeds prints with `--json`."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def tail(self) -> list[dict[str, Any]]:
        """All events that can be shown."""
        result = self("events", "tail", "--no-follow", "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command as a process of its own; what it serves is on any free port."""
        return subprocess.Popen(
            [ORDERLOG, *map(str, arguments)],
            cwd=self.data.parent,
            env={**os.environ, "ORDERLOG_DATA": str(self.data), "ORDERLOG_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def inside(self, work: Callable[[Container], Awaitable[T]]) -> T:
        """Do something with the application that the commands work on."""

        async def opened() -> T:
            async with open_container(Settings(_env_file=None, data=self.data)) as container:
                return await work(container)

        return asyncio.run(opened())
