"""Whoever types the tutorial, block by block, ends with what it promises."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEVER_COPIED = shutil.ignore_patterns(".*", "__pycache__", "test_tutorial.py", "*.db")


def test_the_tutorial_typed_by_hand_works(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("docs", "pyproject.toml", "README.md", "tests", *_packages()):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=NEVER_COPIED)
        else:
            shutil.copy(ROOT / name, tree / name)
    made: list[str] = []
    commands = 0
    for kind, text in _blocks():
        if kind == "python":
            made.append(_write(tree, text))
        elif kind == "diff":
            change(tree, text)
        else:
            for line in text.splitlines():
                _run(tree, *shlex.split(line.removeprefix("python ")))
                commands += 1
    assert (len(made) > 10, commands) == (True, 5)
    # Nothing is used that its own file does not import or define, also where no test comes by.
    _run(tree, "-m", "ruff", "check", "--isolated", "--select", "F", *made)


@pytest.mark.parametrize(
    ("hunk", "reason"),
    [
        ("-three\n+four", "not there"),
        (" one\n+two", "there 2 times"),
        ("one", "neither"),
    ],
)
def test_a_change_that_does_not_fit_is_noticed(tmp_path: Path, hunk: str, reason: str) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\none\n")
    with pytest.raises(AssertionError, match=reason):
        change(tmp_path, f"--- a.txt\n@@\n{hunk}\n")


def _packages() -> Iterator[str]:
    for path in sorted(ROOT.iterdir()):
        if (path / "__init__.py").exists() and path.name != "tests":
            yield path.name


def _blocks() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "tutorial.md").read_text()
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def _write(tree: Path, text: str) -> str:
    first, _, content = text.partition("\n")
    name = first.removeprefix("# ")
    path = tree / name
    assert not path.exists(), f"{name} is there already"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return name


def change(tree: Path, text: str) -> None:
    """Change a file as a block says; each hunk fits in one place."""
    head, *hunks = text.split("@@\n")
    path = tree / head.strip().removeprefix("--- ")
    for hunk in hunks:
        lines = hunk.splitlines()
        assert all(line[:1] in ("-", "+", " ", "") for line in lines), "neither -, + nor blank"
        old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
        found = f"\n{path.read_text()}".count(f"\n{old}")
        assert found, f"not there in {path.name}:\n{old}"
        assert found == 1, f"there {found} times in {path.name}:\n{old}"
        path.write_text(f"\n{path.read_text()}".replace(f"\n{old}", f"\n{new}")[1:])


def _run(tree: Path, *arguments: str) -> None:
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{arguments}\n{ran.stdout}\n{ran.stderr}"
