"""The Dockerfile, and what the image asks itself with. No image is built here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from tests.services.server import free_port

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
BUILD, FINAL = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]
HEALTHY = ROOT / "deploy" / "healthy.py"


def copied(stage: str) -> list[str]:
    """What is copied from this folder."""
    lines = [line.split()[1:] for line in stage.splitlines() if line.startswith("COPY ")]
    return [file for words in lines if "--from" not in words[0] for file in words[:-1]]


def test_it_stands_on_one_exact_version():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])


def test_it_runs_as_nobody_in_particular():
    users = re.findall(r"^USER (\S+)", FINAL, re.MULTILINE)
    assert [re.fullmatch(r"[1-9]\d+:[1-9]\d+", user) is not None for user in users] == [True]


def test_it_asks_itself_as_the_composition_does():
    asked = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", FINAL, re.MULTILINE)
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert ["CMD", *yaml.safe_load(asked[1])] == compose["x-ready"]["test"]
    assert f"COPY deploy/healthy.py {yaml.safe_load(asked[1])[-1]}" in FINAL


def test_only_what_is_locked_is_installed_and_nothing_installs_afterwards():
    assert "--require-hashes -r services.txt" in BUILD
    assert "uninstall --yes pip" in BUILD
    assert "uninstall --yes --root-user-action=ignore pip" in FINAL
    assert "apt-get" not in DOCKERFILE


def test_all_packages_are_in_it_and_nothing_else_of_this_folder():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    wanted = {*packages, "pyproject.toml", "README.md", "requirements/services.txt"}
    assert set(copied(BUILD)) == wanted
    assert copied(FINAL) == ["deploy/healthy.py"]

    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == wanted | set(copied(FINAL))


def test_the_lock_has_the_drivers_of_the_services():
    locked = (ROOT / "requirements" / "services.txt").read_text()
    for driver in ("aiokafka", "confluent-kafka", "elasticsearch", "esdbclient", "faust-streaming"):
        assert f"\n{driver}==" in locked
    everything = (ROOT / "requirements" / "dev.txt").read_text()
    for pin in re.findall(r"^\S+==\S+", locked, re.MULTILINE):
        assert pin in everything, "what runs in production is what is tested"
    assert "pytest" not in locked


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_it_is_healthy_when_it_says_so(status, code):
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()
            self.wfile.write(b'{"checks": {}}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        done = ask(server.server_port)
        thread.join()
    assert done.returncode == code
    assert '{"checks": {}}' in done.stdout + done.stderr


def test_it_is_not_healthy_when_nobody_answers():
    done = ask(free_port())
    assert done.returncode == 1
    assert "refused" in done.stderr


def ask(port: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ORDERLOG_PORT": str(port)}
    command = [sys.executable, str(HEALTHY)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
