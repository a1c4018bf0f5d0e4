"""The API document describes what is answered, whatever is asked."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.command_api.app import create_command_app
from api.security.rate_limits import RateLimits
from tests.support.http import ADA, SECRET, FakeBus, bearer, command_dependencies

NOT_PROMISED = [
    # A schema can't say everything: currencies and countries that there are, the digits of a
    # currency, e-mail addresses that can be delivered to, control characters.
    positive_data_acceptance,
]
PLENTY = RateLimits(SECRET, per_email="1000000/second", per_address="1000000/second")
APP = create_command_app(command_dependencies(FakeBus(), limits=PLENTY))
HEADERS = {"Authorization": f"Bearer {bearer(ADA, 'operator', 'customer')}"}
DOCUMENT = APP.openapi()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
COMMANDS = [(name, operation) for name, operation in OPERATIONS if "/health/" not in name]
api = schemathesis.openapi.from_asgi("/openapi.json", APP)


@api.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_answer_when_anything_is_asked_then_as_documented(case):
    case.call_and_validate(headers=HEADERS, excluded_checks=NOT_PROMISED)


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_who_may(name, operation):
    assert operation["summary"]
    assert "Who may call it: " in operation["description"]
    for status, response in operation["responses"].items():
        assert response["description"]
        assert "X-Correlation-Id" in response["headers"]
        kinds = set(response["content"])
        if int(status) >= 400 and "/health/" not in name:
            assert kinds == {"application/problem+json"}
            assert response["content"]["application/problem+json"]["example"]["status"]
        else:
            assert kinds == {"application/json"}


@pytest.mark.parametrize(("name", "operation"), COMMANDS)
def test_every_command_has_an_example_and_its_errors(name, operation):
    statuses = set(operation["responses"])
    assert statuses >= {"400", "422", "503"}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        assert body["examples"]
        assert body["additionalProperties"] is False
        assert statuses >= {"413", "415"}
    if "{" in name:
        assert "404" in statuses
    if any(parameter["name"] == "If-Match" for parameter in operation["parameters"]):
        assert "412" in statuses


def test_tokens_are_asked_for_where_they_are_needed():
    security = {name: operation["security"] for name, operation in OPERATIONS}
    assert security["POST /api/orders"] == [{"bearer": []}]
    assert security["POST /api/users"] == [{}, {"bearer": []}]
    assert security["POST /api/sessions"] == []
    assert security["GET /health/live"] == []
