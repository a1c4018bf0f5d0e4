"""What is kept between runs is whole, and made once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.jars import cache_folder, fetch, kept
from tests.services.java import Java, Missing


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "orderlog-tests"


@pytest.fixture
def recipe(tmp_path):
    folder = tmp_path / "recipe"
    folder.mkdir()
    (folder / "pom.xml").write_text("<project/>")
    return folder


def fill(folder: Path) -> None:
    (folder / "a.jar").write_text("whole")


def must_not_fill(folder: Path) -> None:
    raise AssertionError("it was filled again")


def test_it_is_filled_once(recipe, cache):
    first = kept("kafka-1", recipe, fill)

    assert kept("kafka-1", recipe, must_not_fill) == first
    assert first.parent == cache
    assert (first / "a.jar").read_text() == "whole"


def test_another_recipe_is_another_folder(recipe):
    first = kept("kafka-1", recipe, fill)
    (recipe / "pom.xml").write_text("<project>more</project>")

    assert kept("kafka-1", recipe, fill) != first


def test_an_interrupted_filling_is_neither_used_nor_left(recipe, cache):
    def interrupted(folder: Path) -> None:
        (folder / "a.jar").write_text("hal")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept("kafka-1", recipe, interrupted)
    whole = kept("kafka-1", recipe, fill)

    assert (whole / "a.jar").read_text() == "whole"
    assert {file.name for file in cache.iterdir()} == {".lock", whole.name}


def test_of_several_at_once_one_fills(recipe):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(folder: Path) -> None:
        begun.set()
        assert go_on.wait(10)
        fill(folder)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept, "kafka-1", recipe, slowly)
        assert begun.wait(10)
        second = pool.submit(kept, "kafka-1", recipe, must_not_fill)
        go_on.set()
        assert first.result() == second.result()


def test_without_a_setting_it_is_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert cache_folder() == tmp_path / ".cache" / "orderlog-tests"


def test_what_maven_said_is_the_reason(recipe, tmp_path, monkeypatch):
    program = tmp_path / "path" / "mvn"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '[ERROR] Could not transfer'\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(program.parent))

    with pytest.raises(Missing, match=r"jars of recipe: .*Could not transfer"):
        fetch(Java(tmp_path, 21), recipe, "1", tmp_path / "lib")
