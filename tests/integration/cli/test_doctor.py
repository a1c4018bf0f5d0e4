"""`orderlog doctor` on a data folder: what it finds, and what it says to do."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from bootstrap.background import running
from bootstrap.container import open_container
from bootstrap.main import command_line
from bootstrap.settings import Settings


def examined(orderlog, expected: int = 0, **settings):
    """What the doctor finds, by check."""
    given = Settings(_env_file=None, data=orderlog.data, **settings)
    result = CliRunner().invoke(command_line(given), ["doctor", "--json"])
    assert result.exit_code == expected, result.output
    return {it["check"]: it for it in json.loads(result.stdout)}


def test_where_no_shop_was_begun_then_it_says_how_to_and_makes_none(orderlog):
    found = examined(orderlog)
    assert found["data"]["status"] == "warning"
    assert "orderlog serve" in found["data"]["advice"]
    assert not orderlog.data.exists()


@pytest.fixture
def served(orderlog, sample):
    """The data folder has a shop whose read models were built."""
    orderlog("import", sample)

    async def project():
        settings = Settings(_env_file=None, data=orderlog.data)
        async with open_container(settings) as container, running(container) as background:
            await background.projections.ready()

    asyncio.run(project())
    return orderlog


def test_when_all_is_well_then_every_check_says_so(served):
    found = examined(served)
    assert {it["status"] for it in found.values()} == {"ok"}, found
    assert {it["advice"] for it in found.values()} == {None}
    assert {"settings", "secrets", "event store", "read store", "parked"} <= found.keys()
    assert {f"projection {name}" for name in ("order_details", "event_log")} <= found.keys()


def test_when_printed_then_a_line_each(served):
    told = served("doctor")
    assert told.exit_code == 0
    assert all(line.startswith("ok ") for line in told.stdout.splitlines())


def test_when_nothing_was_projected_then_it_fails_and_says_what_to_start(orderlog, sample):
    orderlog("import", sample)
    found = examined(orderlog, expected=1)
    assert found["projection customers"]["status"] == "failed"
    assert "orderlog serve" in found["projection customers"]["advice"]
    told = orderlog("doctor")
    assert told.exit_code == 1
    assert "-> Start orderlog serve" in told.stdout


def test_when_paused_then_a_warning(served):
    served("projections", "pause", "customers")
    found = examined(served)
    assert found["projection customers"]["status"] == "warning"
    assert found["projection customers"]["advice"] == "orderlog projections resume customers"


def test_when_a_secret_is_missing_then_it_fails(served):
    (served.data / "secrets" / "fingerprints").unlink()
    found = examined(served, expected=1)
    assert "fingerprints" in found["secrets"]["found"]


def test_when_others_may_read_a_secret_then_a_warning(served):
    path = served.data / "secrets" / "jwt"
    path.chmod(0o644)
    found = examined(served)
    assert found["secrets"] == {
        "check": "secrets",
        "status": "warning",
        "found": f"others may read {path}",
        "advice": f"chmod 600 {path}",
    }


def test_when_the_secrets_are_of_another_shop_then_it_fails(served, tmp_path):
    served("secrets", "make", tmp_path / "other")
    found = examined(served, expected=1, secrets=tmp_path / "other")
    assert found["audit key"]["status"] == "failed"
    assert found["secrets"]["status"] == "ok"


def test_when_the_events_are_damaged_then_it_fails_and_goes_on(served):
    (served.data / "events.db").write_bytes(b"no database" * 1000)
    for name in ("events.db-wal", "events.db-shm"):
        (served.data / name).unlink(missing_ok=True)
    found = examined(served, expected=1)
    assert found["event store"]["status"] == "failed"
    assert found["read store"]["status"] == "ok"


def test_when_settings_of_services_are_incomplete_then_it_fails_and_names_them(served):
    found = examined(served, expected=1, kafka="127.0.0.1:1")
    assert found["settings"]["status"] == "failed"
    assert "ORDERLOG_EVENT_STORE, ORDERLOG_READ_STORE" in found["settings"]["found"]
    assert found["kafka"]["status"] == "failed"
    assert found["partitions of customers"]["status"] == "warning"
