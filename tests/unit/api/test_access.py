from __future__ import annotations

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.command_api.app import ROUTERS as COMMAND_ROUTERS
from api.command_api.app import create_command_app
from api.http.app import create_app
from api.http.route import GuardedRoute
from api.query_api.app import ROUTERS as QUERY_ROUTERS
from api.security.access import ACCESS, ANYONE, OPERATOR, OWNER, SELF, Rule
from api.security.tokens import ANONYMOUS, AccessTokens
from contracts.errors import Forbidden, Unauthenticated
from contracts.values import SYSTEM, Actor
from tests.support.http import ADA, BOB, ORDER, SECRET, FakeBus, command_dependencies

CUSTOMER = Actor("user", ADA, ("customer",))
STAFF = Actor("user", BOB, ("operator",))
AUDITOR = Actor("user", BOB, ("auditor",))


def passes(rule: Rule, actor: Actor, of: str = ORDER) -> bool:
    try:
        rule.admit(actor, {"id": of})
    except Unauthenticated:
        assert actor is ANONYMOUS
        return False
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    ("rule", "admitted"),
    [
        (ANYONE, [ANONYMOUS, CUSTOMER, STAFF, AUDITOR, SYSTEM]),
        (OPERATOR, [STAFF, SYSTEM]),
        (OWNER, [CUSTOMER, STAFF, AUDITOR, SYSTEM]),
        (SELF, [STAFF, SYSTEM]),
    ],
)
def test_rules_admit(rule, admitted):
    everybody = [ANONYMOUS, CUSTOMER, STAFF, AUDITOR, SYSTEM]
    assert [actor for actor in everybody if passes(rule, actor)] == admitted


def test_self_is_the_user_of_the_path():
    assert passes(SELF, CUSTOMER, of=ADA)
    assert not passes(SELF, CUSTOMER, of=BOB)
    assert not passes(SELF, Actor("service", ADA, ("service",)), of=ADA)


def test_a_route_without_a_rule_can_not_be_made():
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(LookupError, match="GET /api/everything"):
        router.get("/api/everything")(test_self_is_the_user_of_the_path)


def test_a_route_that_asks_no_rule_is_not_served():
    router = APIRouter()
    router.get("/api/orders")(test_self_is_the_user_of_the_path)
    with pytest.raises(LookupError, match="/api/orders"):
        create_app("bad", [router], AccessTokens(SECRET))


def test_every_route_has_a_rule_and_every_rule_a_route():
    routers = (*COMMAND_ROUTERS, *QUERY_ROUTERS)
    routes = create_app("both", routers, AccessTokens(SECRET)).routes
    ruled = {}
    for route in routes:
        if isinstance(route, APIRoute):
            assert isinstance(route, GuardedRoute)
            ruled.update({(method, route.path): route.rule for method in route.methods})
    assert ruled == ACCESS
    documents = {route.path for route in routes if not isinstance(route, APIRoute)}
    assert documents == {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}


def test_each_application_serves_its_own():
    commands = create_command_app(command_dependencies(FakeBus()))
    methods = {m for r in commands.routes if isinstance(r, GuardedRoute) for m in r.methods}
    assert methods == {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert [
        r.path for r in commands.routes if isinstance(r, GuardedRoute) if "GET" in r.methods
    ] == [
        "/health/live",
        "/health/ready",
    ]
