from __future__ import annotations

import json
import logging

import pytest
import structlog

from bootstrap import logs
from bootstrap.settings import Settings

PASSWORD = "tea-and-engines"


@pytest.fixture
def configured(monkeypatch):
    """Configures; afterwards logs go where they went before."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield lambda log_format: logs.configure(Settings(log_format=log_format, _env_file=None))
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def fail(log) -> None:
    password = "".join(PASSWORD)
    try:
        len(password) / 0
    except ZeroDivisionError:
        log.exception("it failed")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_does_not_show_what_variables_held(configured, capsys, log_format):
    configured(log_format)
    fail(structlog.get_logger())
    fail(logging.getLogger("a library"))
    told = capsys.readouterr().err
    assert told.count("ZeroDivisionError") == 2
    assert PASSWORD not in told


def test_every_line_is_json_where_that_is_asked_for(configured, capsys):
    configured("json")
    fail(structlog.get_logger())
    fail(logging.getLogger("a library"))
    structlog.get_logger().info("ours", number=1)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["it failed", "it failed", "ours"]
    assert [line["level"] for line in lines] == ["error", "error", "info"]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_a_server_that_is_down_is_no_error_of_ours(configured, capsys):
    configured("json")
    logging.getLogger("aiokafka.conn").error("no connection")
    logging.getLogger("elastic_transport.node_pool").warning("it failed for 1 times in a row")
    logging.getLogger("another").error("an error")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("no connection", "warning"),
        ("an error", "error"),
    ]
