"""`orderlog audit verify` and `head`, on stores filled by the import and by the demo."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from api.cli.demo_shop import fill
from bootstrap.container import Container
from bootstrap.settings import Settings
from tests.support.cli import CommandLine
from tests.support.tampering import change, rows

ALL_FINE = "All of them are as they were recorded."


@pytest.fixture
def imported(orderlog: CommandLine, sample: Path) -> CommandLine:
    orderlog("import", sample)
    return orderlog


@pytest.fixture
def secret_stream(imported: CommandLine) -> str:
    """One that is never shown."""
    ((stream,),) = rows(
        events_of(imported), "SELECT stream FROM events WHERE category = 'email' LIMIT 1"
    )
    return stream


def events_of(orderlog: CommandLine) -> Path:
    return orderlog.data / "events.db"


def tamper(orderlog: CommandLine, stream: str) -> str:
    """Change the data of a stream's first event; the id of that event."""
    at = "WHERE stream = ? AND version = 0"
    change(events_of(orderlog), (f"UPDATE events SET data = x'7b7d' {at}", (stream,)))
    ((id_,),) = rows(events_of(orderlog), f"SELECT lower(hex(id)) FROM events {at}", stream)
    return id_


def test_an_import_is_all_proven(imported: CommandLine) -> None:
    ((events, streams),) = rows(
        events_of(imported), "SELECT count(*), count(DISTINCT stream) FROM events"
    )
    result = imported("audit", "verify")
    assert result.exit_code == 0
    assert f"{events} events of {streams} streams were checked." in result.stdout
    assert ALL_FINE in result.stdout
    assert "This store began with hashes" in result.stdout
    assert imported.json("audit", "verify", "--all") == {
        "ok": True,
        "events": events,
        "streams": streams,
        "proven": events,
        "unchained": 0,
        "all_hashed": True,
        "other_store": False,
        "found": [],
    }


def test_the_demo_is_all_proven(orderlog: CommandLine) -> None:
    def filled(container: Container) -> Awaitable[Any]:
        return fill(container.bus, container.events)

    orderlog.inside(filled)
    checked = orderlog.json("audit", "verify")
    assert checked["ok"]
    assert checked["proven"] == checked["events"] > 0


def test_what_was_changed_is_named_with_its_id_and_without_content(
    imported: CommandLine, secret_stream: str
) -> None:
    id_ = tamper(imported, secret_stream)
    for arguments in ((), (secret_stream,)):
        result = imported("audit", "verify", *arguments)
        assert result.exit_code == 3
        assert f"{secret_stream}@0 changed" in result.stdout
        assert id_ in result.stdout.replace("-", "")
        assert "1 finding." in result.stdout
    printed = imported("audit", "verify", "--json")
    assert printed.exit_code == 3
    (finding,) = json.loads(printed.stdout)["found"]
    assert finding.pop("event_id").replace("-", "") == id_
    assert finding == {
        "stream": secret_stream,
        "version": 0,
        "fault": "changed",
        "detail": "this is not what was recorded here",
    }


def test_wrong_usage_and_what_is_not_there(imported: CommandLine, tmp_path: Path) -> None:
    assert imported("audit", "verify", "order-1", "--all").exit_code == 2
    assert imported("audit", "verify", "--against", tmp_path / "none").exit_code == 2
    result = imported("audit", "verify", "order-1")
    assert (result.exit_code, result.stderr) == (1, "orderlog: There is no stream order-1.\n")


def test_a_head_finds_what_was_removed(
    imported: CommandLine, secret_stream: str, tmp_path: Path
) -> None:
    head = tmp_path / "head.json"
    assert imported("audit", "head", head).exit_code == 0
    assert head.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"data", "head.json"}
    listed = json.loads(head.read_text())
    assert secret_stream in {end["stream"] for end in listed["streams"]}
    assert ALL_FINE in imported("audit", "verify", "--against", head).stdout
    change(events_of(imported), ("DELETE FROM events WHERE stream = ?", (secret_stream,)))
    result = imported("audit", "verify")
    assert (result.exit_code, "the event store missing - 1 position" in result.stdout) == (3, True)
    for arguments in ((), (secret_stream,)):
        result = imported("audit", "verify", *arguments, "--against", head)
        assert result.exit_code == 3
        assert f"{secret_stream}@0 removed" in result.stdout


def test_a_changed_head_is_refused(imported: CommandLine, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    imported("audit", "head", head)
    head.write_text(head.read_text().replace('"version": 0', '"version": 1', 1))
    result = imported("audit", "verify", "--against", head)
    assert result.exit_code == 1
    assert "The head proves nothing: its signature is wrong" in result.stderr


def test_a_head_is_never_written_over_and_not_of_what_is_wrong(
    imported: CommandLine, secret_stream: str, tmp_path: Path
) -> None:
    head, other = tmp_path / "head.json", tmp_path / "other.json"
    imported("audit", "head", head)
    content = head.read_bytes()
    result = imported("audit", "head", head)
    assert (result.exit_code, "exists already" in result.stderr) == (1, True)
    assert head.read_bytes() == content
    tamper(imported, secret_stream)
    result = imported("audit", "head", other)
    assert result.exit_code == 3
    assert f"{secret_stream}@0 changed" in result.stdout
    assert not other.exists()
    assert imported("audit", "head", other, "--force").exit_code == 0
    assert other.exists()


def strip_first(orderlog: CommandLine, *, all_of_them: bool = False) -> int:
    """Take the hash from the first event, or from all; how many there are."""
    some = "" if all_of_them else "WHERE position = 1"
    change(
        events_of(orderlog),
        "UPDATE events SET metadata = CAST(json_remove(CAST(metadata AS TEXT), '$.hash') AS BLOB) "
        + some,
    )
    ((count,),) = rows(events_of(orderlog), "SELECT count(*) FROM events")
    return count


def test_hashes_taken_away_are_found_in_a_store_that_began_with_them(
    imported: CommandLine,
) -> None:
    count = strip_first(imported, all_of_them=True)
    result = imported("audit", "verify")
    assert result.exit_code == 3
    assert f"{count} findings." in result.stdout
    assert result.stdout.count("unhashed") == count
    assert ALL_FINE not in result.stdout


def test_without_that_knowledge_nothing_is_said_to_be_as_recorded(
    imported: CommandLine, tmp_path: Path
) -> None:
    (imported.data / "secrets" / "chained").unlink()
    assert imported.json("audit", "verify")["ok"]
    assert not (imported.data / "secrets" / "chained").exists()
    count = strip_first(imported, all_of_them=True)
    result = imported("audit", "verify")
    assert result.exit_code == 4
    assert f"{count} of them have no hash, and may be of older software" in result.stdout
    assert ALL_FINE not in result.stdout
    printed = imported("audit", "verify", "--json")
    assert (printed.exit_code, json.loads(printed.stdout)["ok"]) == (4, False)
    assert f"{count} events have no hash" in imported("audit", "head", tmp_path / "h").stdout


def test_a_customer_does_not_become_an_operator_unseen(
    orderlog: CommandLine, tmp_path: Path
) -> None:
    async def filled(container: Container) -> None:
        await fill(container.bus, container.events)

    orderlog.inside(filled)
    orderlog("audit", "head", tmp_path / "head")
    path = events_of(orderlog)
    ((user,),) = rows(path, "SELECT min(stream) FROM events WHERE category = 'user'")
    change(
        path,
        (
            "INSERT INTO events SELECT -1, stream, (SELECT max(version) + 1 FROM events WHERE "
            "stream = ?1), category, randomblob(16), 'RoleGranted', "
            'CAST(\'{"role":"operator"}\' AS BLOB), CAST(json_remove(CAST(metadata AS TEXT), '
            "'$.hash') AS BLOB), 1 FROM events WHERE stream = ?1 AND version = 0",
            (user,),
        ),
    )
    for words in ((), ("--all", "--against", tmp_path / "head"), (user,)):
        result = orderlog("audit", "verify", *words)
        assert result.exit_code == 3
        assert f"{user}@" in result.stdout
        assert " unhashed " in result.stdout


def test_a_lost_key_is_not_replaced_in_silence(imported: CommandLine) -> None:
    key = imported.data / "secrets" / "audit"
    key.unlink()
    result = imported("audit", "verify")
    assert result.exit_code == 1
    assert "audit key" in result.stderr
    assert not key.exists()
    key.write_text(os.urandom(32).hex())
    result = imported("audit", "verify")
    assert result.exit_code == 1
    assert "is this the audit key that they were recorded with?" in result.stderr


@pytest.mark.parametrize("known", [True, False])
def test_a_lost_key_is_missed_though_the_first_event_has_no_hash(
    imported: CommandLine, known: bool
) -> None:
    strip_first(imported)
    key = imported.data / "secrets" / "audit"
    key.unlink()
    if not known:
        (imported.data / "secrets" / "chained").unlink()
    result = imported("projections", "list")
    assert (result.exit_code, "audit key" in result.stderr) == (1, True)
    assert not key.exists()


def test_a_store_without_any_hashes_gets_a_key(imported: CommandLine) -> None:
    strip_first(imported, all_of_them=True)
    for name in ("audit", "chained"):
        (imported.data / "secrets" / name).unlink()
    assert imported("audit", "verify").exit_code == 4
    assert (imported.data / "secrets" / "audit").exists()
    assert not (imported.data / "secrets" / "chained").exists()


def test_a_name_that_would_print_lines_of_its_own_does_not(imported: CommandLine) -> None:
    forged = f"order-1\n{ALL_FINE}\u202e"
    change(events_of(imported), ("UPDATE events SET stream = ? WHERE position = 1", (forged,)))
    result = imported("audit", "verify")
    assert result.exit_code == 3
    assert ALL_FINE not in result.stdout.splitlines()
    assert "\\n" in result.stdout
    assert "\u202e" not in result.stdout


def test_what_was_found_is_told_also_if_the_check_can_not_go_on(imported: CommandLine) -> None:
    change(events_of(imported), "ALTER TABLE events RENAME COLUMN category TO kind")
    result = imported("audit", "verify", "--json")
    assert (result.exit_code, "no such column" in result.stderr) == (1, True)
    assert [finding["fault"] for finding in json.loads(result.stdout)["found"]] == ["damaged"]


def test_arguments_that_are_no_text_are_wrong_usage(imported: CommandLine) -> None:
    for words in (("verify", "\udcff\udcfe"), ("verify", "--against", "\udcff")):
        running = imported.start("audit", *words)
        _, told = running.communicate(timeout=60)
        assert running.returncode == 2
        assert "Traceback" not in told


def test_an_empty_store_is_not_said_to_be_as_recorded(orderlog: CommandLine, begun: None) -> None:
    result = orderlog("audit", "verify")
    assert result.exit_code == 0
    assert "0 events of 0 streams were checked." in result.stdout
    assert ALL_FINE not in result.stdout


def test_a_restored_store_is_proven_with_the_key_of_the_backup(
    imported: CommandLine, tmp_path: Path
) -> None:
    head = tmp_path / "head.json"
    imported("audit", "head", head)
    imported("backup", tmp_path / "backup.db")
    restored = CommandLine(tmp_path / "restored")
    assert restored("restore", tmp_path / "backup.db").exit_code == 0
    checked = restored.json("audit", "verify", "--against", head)
    assert (checked["ok"], checked["all_hashed"], checked["other_store"]) == (True, True, True)
    assert "another identity" in restored("audit", "verify", "--against", head).stdout


def test_a_backup_of_before_says_nothing_of_hashes(imported: CommandLine, tmp_path: Path) -> None:
    (imported.data / "secrets" / "chained").unlink()
    imported("backup", tmp_path / "backup.db")
    restored = CommandLine(tmp_path / "restored")
    restored.inside(_nothing)
    assert (restored.data / "secrets" / "chained").exists()
    for file in restored.data.glob("events.db*"):
        file.unlink()
    assert restored("restore", tmp_path / "backup.db").exit_code == 0
    assert not restored.json("audit", "verify")["all_hashed"]


async def _nothing(_container: Container) -> None:
    return


class WithKeyFile(CommandLine):
    """With the audit key kept elsewhere."""

    def __init__(self, data: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(data)
        monkeypatch.setenv("ORDERLOG_AUDIT_KEY_FILE", str(key))


def test_a_key_kept_elsewhere_is_in_no_backup(
    tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    orderlog = WithKeyFile(tmp_path / "data", key, monkeypatch)
    result = orderlog("import", sample)
    assert (result.exit_code, f"There is no audit key in {key}" in result.stderr) == (1, True)
    key.write_text("00" * 31)
    assert "needs 32 bytes" in orderlog("audit", "verify").stderr
    key.write_text(os.urandom(32).hex() + "\n")
    orderlog("import", sample)
    assert orderlog.json("audit", "verify")["all_hashed"]
    assert not (orderlog.data / "secrets" / "audit").exists()
    orderlog("backup", tmp_path / "backup.db")
    keys = rows(tmp_path / "backup.db", "SELECT key FROM meta WHERE key LIKE 'key:%'")
    assert ("key:audit",) not in keys
    monkeypatch.delenv("ORDERLOG_AUDIT_KEY_FILE")
    assert not Settings(_env_file=None).audit_key_file
    result = orderlog("audit", "verify")
    assert (result.exit_code, "is missing" in result.stderr) == (1, True)


def test_a_key_file_that_is_gone_is_named(
    imported: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (imported.data / "secrets" / "audit").unlink()
    orderlog = WithKeyFile(imported.data, tmp_path / "none", monkeypatch)
    result = orderlog("audit", "verify")
    assert result.exit_code == 1
    assert f"There is no audit key in {tmp_path / 'none'}." in result.stderr
    assert str(imported.data / "secrets") not in result.stderr
