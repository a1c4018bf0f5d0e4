"""`orderlog secrets make`: keys for services, which never make any."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from api.cli.application import CannotOpen
from bootstrap.container import open_container
from bootstrap.main import command_line
from bootstrap.settings import Settings

KEYS = {"jwt", "addresses", "audit", "fingerprints"}


def contents(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_in_an_empty_folder_then_all_are_made_for_their_owner_only(orderlog, tmp_path):
    folder = tmp_path / "secrets"
    told = orderlog("secrets", "make", folder)
    assert told.exit_code == 0, told.output
    assert contents(folder).keys() == KEYS | {"chained"}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o077 == 0
    assert f"ORDERLOG_SECRETS={folder}" in told.stdout


def test_again_then_nothing_changes(orderlog, tmp_path):
    folder = tmp_path / "secrets"
    orderlog("secrets", "make", folder)
    before = contents(folder)
    told = orderlog("secrets", "make", folder)
    assert told.exit_code == 0
    assert "Nothing was missing" in told.stdout
    assert contents(folder) == before


def test_when_one_was_there_then_it_is_kept_and_nothing_is_said_of_the_events(orderlog, tmp_path):
    """They may be older than the audit key."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "addresses").write_text("ab" * 32)
    told = orderlog("secrets", "make", folder)
    assert told.exit_code == 0
    assert contents(folder).keys() == KEYS
    assert contents(folder)["addresses"] == "ab" * 32


def test_when_one_is_damaged_then_nothing_is_made(orderlog, tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "jwt").write_text("not a key")
    told = orderlog("secrets", "make", folder)
    assert told.exit_code == 1
    assert "damaged" in told.stderr
    assert contents(folder).keys() == {"jwt"}


def test_when_the_audit_key_is_kept_elsewhere_then_it_is_not_made(tmp_path):
    key = tmp_path / "elsewhere"
    settings = Settings(_env_file=None, data=tmp_path / "data", audit_key_file=key)
    make = ["secrets", "make", str(tmp_path / "secrets")]
    refused = CliRunner().invoke(command_line(settings), make)
    assert refused.exit_code == 1
    assert not (tmp_path / "secrets").exists()
    key.write_text("cd" * 32)
    assert CliRunner().invoke(command_line(settings), make).exit_code == 0
    assert contents(tmp_path / "secrets").keys() == KEYS - {"audit"} | {"chained"}


async def test_of_a_new_shop_it_is_certain_that_each_event_has_a_hash(orderlog, tmp_path):
    folder = tmp_path / "secrets"
    orderlog("secrets", "make", folder)
    settings = Settings(_env_file=None, data=tmp_path / "data", secrets=folder)
    folder.chmod(0o500)
    async with open_container(settings) as container:
        assert container.all_hashed
    folder.chmod(0o700)
    (folder / "chained").unlink()
    async with open_container(settings) as container:
        assert not container.all_hashed
    assert not (folder / "chained").exists()


async def test_one_that_is_given_and_missing_is_never_made(orderlog, tmp_path):
    folder = tmp_path / "secrets"
    orderlog("secrets", "make", folder)
    (folder / "fingerprints").unlink()
    settings = Settings(_env_file=None, data=tmp_path / "data", secrets=folder)
    with pytest.raises(CannotOpen, match="fingerprints"):
        async with open_container(settings):
            pass
    assert not (folder / "fingerprints").exists()
