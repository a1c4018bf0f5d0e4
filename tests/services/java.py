"""Finds what the servers need on this machine: Java and Maven."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_INSTALLED = (
    ("/usr/lib/jvm", "*/bin/java"),
    ("/Library/Java/JavaVirtualMachines", "*/Contents/Home/bin/java"),
)
_HOME = re.compile(r"^\s*java\.home = (.+)$", re.MULTILINE)
_VERSION = re.compile(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", re.MULTILINE)


class Missing(Exception):
    """This machine lacks something that a server needs; the message says what."""


@dataclass(frozen=True)
class Java:
    """An installed Java."""

    home: Path
    version: int

    @property
    def program(self) -> Path:
        """What runs a program."""
        return self.home / "bin" / "java"

    @property
    def compiler(self) -> Path:
        """What compiles one; a runtime without tools for development has none."""
        return self.home / "bin" / "javac"


def java_for(server: str, version: int, *, compiler: bool = False) -> Java:
    """The first Java found that is new enough.

    Raises:
        Missing: there is none.
    """
    found = []
    for program in _programs():
        java = _ask(program)
        if java is None:
            continue
        if java.version >= version and (not compiler or java.compiler.exists()):
            return java
        found.append(f"{java.version} in {java.home}")
    kind = "a JDK" if compiler else "Java"
    here = f"here is {', '.join(found)}" if found else "none was found"
    raise Missing(f"{server} needs {kind} {version} or newer: {here}; JAVA_HOME can name one")


def maven() -> str:
    """The program that fetches jars.

    Raises:
        Missing: it is not on the path.
    """
    program = shutil.which("mvn")
    if program is None:
        raise Missing("Maven (mvn) is not on the path: it fetches the servers' jars")
    return program


def _programs() -> Iterator[Path]:
    """Programs that may be Java, the most wanted first, each once."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(Path(home, "bin", "java"))
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    for folder, pattern in _INSTALLED:
        candidates += sorted(Path(folder).glob(pattern), reverse=True)
    seen = set()
    for candidate in candidates:
        if (real := candidate.resolve()) not in seen and candidate.exists():
            seen.add(real)
            yield candidate


@functools.cache
def _ask(program: Path) -> Java | None:
    """What it says of itself; nothing where it does not run, as a version manager's stand-in."""
    command = [program, "-XshowSettings:properties", "-version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    home, version = _HOME.search(said.stderr), _VERSION.search(said.stderr)
    return Java(Path(home[1]), int(version[1])) if home and version else None
