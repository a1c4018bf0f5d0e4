"""Which Java is found, and what is said where none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import java
from tests.services.java import Missing, java_for, maven


@pytest.fixture(autouse=True)
def empty_machine(tmp_path, monkeypatch):
    """Nothing is installed."""
    monkeypatch.setattr(java, "_INSTALLED", ((str(tmp_path / "jvm"), "*/bin/java"),))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("JAVA_HOME", raising=False)


def install(home: Path, version: str, *, compiler: bool = True) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\necho '    java.home = {home}' >&2\n"
        f"echo '    java.specification.version = {version}' >&2\n"
    )
    program.chmod(0o700)
    if compiler:
        (home / "bin" / "javac").touch()
    return home


def test_an_old_java_on_the_path_is_passed_over_for_a_newer_installed_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(install(tmp_path / "old", "17") / "bin"))
    newer = install(tmp_path / "jvm" / "jdk-25", "25")

    assert java_for("It", 21).home == newer
    assert java_for("It", 17).home == tmp_path / "old"


def test_java_home_comes_first(tmp_path, monkeypatch):
    install(tmp_path / "jvm" / "jdk-25", "25")
    monkeypatch.setenv("JAVA_HOME", str(install(tmp_path / "mine", "21")))

    assert java_for("It", 21).home == tmp_path / "mine"


def test_a_runtime_alone_does_not_compile(tmp_path):
    install(tmp_path / "jvm" / "jre-25", "25", compiler=False)
    jdk = install(tmp_path / "jvm" / "jdk-21", "21")

    assert java_for("It", 21, compiler=True).home == jdk


def test_a_stand_in_that_does_not_run_is_passed_over(tmp_path, monkeypatch):
    shim = tmp_path / "shims" / "java"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'no version is set' >&2\nexit 126\n")
    shim.chmod(0o700)
    monkeypatch.setenv("PATH", str(shim.parent))
    installed = install(tmp_path / "jvm" / "jdk-21", "21")

    assert java_for("It", 17).home == installed


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(Missing, match="It needs Java 17 or newer: none was found; JAVA_HOME"):
        java_for("It", 17)
    install(tmp_path / "jvm" / "old", "1.8")
    with pytest.raises(Missing, match=r"It needs a JDK 21 or newer: here is 8 in .*/old"):
        java_for("It", 21, compiler=True)
    with pytest.raises(Missing, match=r"Maven \(mvn\) is not on the path"):
        maven()
