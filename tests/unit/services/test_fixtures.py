"""Servers are started when asked for, and what is missing is told."""

from __future__ import annotations

import pytest

from tests.services import fixtures
from tests.services.fixtures import Services, _own, _without
from tests.services.java import Missing
from tests.unit.services.test_server import Small


class Unavailable(Small):
    """A server that this machine can't run."""

    def prepare(self) -> list[str]:
        raise Missing("It needs Java")


@pytest.fixture
def services(tmp_path, monkeypatch):
    monkeypatch.delenv("ORDERLOG_TEST_KAFKA", raising=False)
    monkeypatch.delenv("ORDERLOG_TEST_ELASTICSEARCH", raising=False)
    monkeypatch.setattr(fixtures, "KINDS", {"kafka": Small, "elasticsearch": Unavailable})
    services = Services(tmp_path.joinpath)
    yield services
    services.end()


def test_a_server_is_started_once_and_ended(services):
    services.begin("kafka")
    address = services.address("kafka")
    server = services._servers["kafka"]

    assert services.address("kafka") == address == server.address
    assert server.log().count("pid") == 1
    services.end()
    assert not server.is_running


def test_a_given_server_is_used_and_none_started(services, monkeypatch):
    monkeypatch.setenv("ORDERLOG_TEST_KAFKA", "broker:9092")
    services.begin("kafka")

    assert services.address("kafka") == "broker:9092"
    assert not services._servers


def test_what_is_missing_reaches_whoever_asks(services):
    for _ in range(2):
        with pytest.raises(Missing, match="It needs Java"):
            services.address("elasticsearch")


@pytest.mark.usefixtures("services")
def test_without_it_a_test_is_skipped_here_and_fails_in_ci(tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="It needs Java"):
        next(_own("elasticsearch", tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Maven"):
        _without(Missing("no Maven"))
