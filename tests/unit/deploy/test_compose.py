"""`docker-compose.yml` fits our settings and commands, and is careful.

No container is started here: what is said of other people's images is not tested.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from bootstrap.main import command_line
from bootstrap.settings import Settings
from tests.services import elasticsearch, kafka

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
STORES = {name: service for name, service in SERVICES.items() if "build" not in service}
PROCESSES = {name: service for name, service in OURS.items() if name != "secrets"}
EXACT_VERSION = re.compile(r":\d+\.\d+\.\d+$")

each = pytest.mark.parametrize


@pytest.fixture(autouse=True)
def no_other_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ORDERLOG_")]:
        monkeypatch.delenv(name)


def test_the_services_are_those_that_there_are():
    processes = {"command-api", "query-api", "relay", "projector", "process-manager"}
    assert PROCESSES.keys() == processes
    assert STORES.keys() == {"eventstoredb", "kafka", "elasticsearch"}
    assert OURS.keys() - processes == {"secrets"}
    assert SERVICES["projector"]["deploy"]["replicas"] == 2


@each("name", PROCESSES)
def test_every_variable_is_a_setting_of_ours_and_valid(name, monkeypatch):
    given = PROCESSES[name]["environment"]
    assert given.keys() <= {f"ORDERLOG_{field.upper()}" for field in Settings.model_fields}
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()

    assert settings.event_store.get_secret_value().startswith("esdb://eventstoredb:2113")
    assert settings.read_store.get_secret_value() == "http://elasticsearch:9200"
    assert settings.kafka == SERVICES["kafka"]["environment"][
        "KAFKA_ADVERTISED_LISTENERS"
    ].removeprefix("PLAINTEXT://")
    assert f"secrets:{settings.secrets}:ro" in PROCESSES[name]["volumes"]


@each("name", OURS)
def test_every_command_is_one_of_ours(name):
    command = typer.main.get_command(command_line(Settings()))
    for word in OURS[name]["command"]:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands
        command = command.commands[word]
    assert not hasattr(command, "commands"), "it ends with a command"


def test_each_process_serves_under_its_own_name():
    assert all(service["command"] == ["serve", name] for name, service in PROCESSES.items())


def test_secrets_are_made_before_anything_needs_them_and_by_nobody_else():
    made = OURS["secrets"]
    assert made["command"] == ["secrets", "make", "/secrets"]
    assert made["volumes"] == ["secrets:/secrets"]
    for service in PROCESSES.values():
        assert service["depends_on"]["secrets"] == {"condition": "service_completed_successfully"}


@each("name", SERVICES.keys() - {"secrets"})
def test_each_tells_whether_it_is_well_and_starts_again(name):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    for needed, when in service.get("depends_on", {}).items():
        assert when["condition"] == "service_healthy" or needed == "secrets"


@each("name", SERVICES)
def test_each_has_its_limits_and_an_exact_version(name):
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert EXACT_VERSION.search(service["image"])
    assert "privileged" not in service


@each("name", OURS)
def test_ours_run_as_nobody_in_particular_and_change_nothing(name):
    service = OURS[name]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_apis_are_reached_and_only_from_this_machine():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports.keys() == {"command-api", "query-api"}
    for name, (published,) in ports.items():
        host, outer, inner = published.split(":")
        assert host == "127.0.0.1"
        assert outer == inner == PROCESSES[name]["environment"]["ORDERLOG_PORT"]
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    for name, service in SERVICES.items():
        assert name in ports or "outside" not in service.get("networks", ())


def test_what_stores_hold_outlasts_them():
    used = {v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", ())}
    assert used == COMPOSE["volumes"].keys()
    assert all(len(store["volumes"]) == 1 for store in STORES.values())


def test_the_servers_are_those_that_are_tested_with():
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka.VERSION}"
    image = f"docker.elastic.co/elasticsearch/elasticsearch:{elasticsearch.VERSION}"
    assert SERVICES["elasticsearch"]["image"] == image


def test_our_image_has_our_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"orderlog:{version}"}
