"""Jars of a server, fetched once and kept in the user's cache folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from tests.services.java import Java, Missing, maven

RECIPES = Path(__file__).parent / "maven"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_FILLING = ".filling-"


def cache_folder() -> Path:
    """Where jars are kept between runs."""
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "orderlog-tests"


def kept(name: str, recipe: Path, fill: Callable[[Path], None]) -> Path:
    """The folder of this name, filled by the first who asks; another recipe, another folder.

    A filling that was interrupted leaves nothing that could be taken for a whole one, and of
    several processes at once one fills while the others wait.
    """
    folder = cache_folder() / f"{name}-{_fingerprint(recipe)}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.parent):
        if not folder.exists():
            for left_over in folder.parent.glob(f"{_FILLING}*"):
                shutil.rmtree(left_over)
            filling = Path(tempfile.mkdtemp(prefix=_FILLING, dir=folder.parent))
            fill(filling)
            filling.rename(folder)
    return folder


def fetch(java: Java, recipe: Path, version: str, folder: Path) -> None:
    """Copy all jars that the recipe's `pom.xml` names into the folder.

    Raises:
        Missing: there is no Maven, or nothing to be had through it.
    """
    command = [maven(), "-B", "-q", "-f", str(recipe / "pom.xml"), _COPY]
    command += [f"-Dserver.version={version}", "-DincludeScope=runtime"]
    command.append(f"-DoutputDirectory={folder}")
    environment = {**os.environ, "JAVA_HOME": str(java.home)}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-1000:]
        raise Missing(f"Maven could not fetch the jars of {recipe.name}: {said}")


def _fingerprint(recipe: Path) -> str:
    content = b"".join(file.read_bytes() for file in sorted(recipe.iterdir()))
    return sha256(content).hexdigest()[:8]


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
