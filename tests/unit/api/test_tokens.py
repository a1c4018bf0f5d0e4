from __future__ import annotations

import time

import jwt
import pytest

from api.security.tokens import ANONYMOUS, AccessTokens
from contracts.errors import Unauthenticated
from contracts.values import Actor
from tests.support.http import ADA, SECRET


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(SECRET, lifetime_seconds=900)


def forged(secret: bytes = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    now = int(time.time())
    good = {"iss": "orderlog", "sub": ADA, "kind": "user", "roles": [], "iat": now, "exp": now + 60}
    return jwt.encode({**good, **claims}, secret, algorithm=algorithm)


def test_issued_token_names_its_actor(tokens):
    token, expires_in = tokens.issue(ADA, ("customer", "operator"))
    assert expires_in == 900
    assert tokens.actor(f"Bearer {token}") == Actor("user", ADA, ("customer", "operator"))
    assert tokens.actor(f"bearer {token}") == Actor("user", ADA, ("customer", "operator"))


def test_service_token(tokens):
    token, _ = tokens.issue("till-3", ("service",), kind="service")
    assert tokens.actor(f"Bearer {token}") == Actor("service", "till-3", ("service",))


def test_no_header_is_nobody_known(tokens):
    assert tokens.actor(None) is ANONYMOUS


def test_expired_token_when_seen_before_then_refused_all_the_same(tokens, monkeypatch):
    token, _ = tokens.issue(ADA, (), lifetime_seconds=60)
    assert tokens.actor(f"Bearer {token}").id == ADA
    later = time.time() + 61
    monkeypatch.setattr("api.security.tokens.time.time", lambda: later)
    monkeypatch.setattr(tokens, "_verify", _refuse)
    with pytest.raises(Unauthenticated):
        tokens.actor(f"Bearer {token}")


def _refuse(token: str) -> Actor:
    raise Unauthenticated("verified anew")


def test_expired_token_says_so(tokens):
    token, _ = tokens.issue(ADA, (), lifetime_seconds=-1)
    with pytest.raises(Unauthenticated) as refused:
        tokens.actor(f"Bearer {token}")
    assert refused.value.code == "token-expired"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer not.a.token",
        "Bearer \xff\xfe",
        f"Bearer {forged(b'another secret of thirty-two byte')}",
        f"Bearer {forged(SECRET * 2, algorithm='HS512')}",
        f"Bearer {forged(iss='somebody')}",
        f"Bearer {forged(sub=7)}",
        f"Bearer {forged(kind='system')}",
        f"Bearer {forged(kind='anonymous')}",
        f"Bearer {forged(roles='operator')}",
        f"Bearer {forged(exp='soon')}",
        f"Bearer {jwt.encode({'sub': ADA, 'iss': 'orderlog'}, SECRET)}",
        f"Bearer {jwt.encode({'sub': ADA}, None, algorithm='none')}",
    ],
)
def test_other_tokens_are_refused(tokens, authorization):
    with pytest.raises(Unauthenticated):
        tokens.actor(authorization)


def test_unknown_roles_give_nothing(tokens):
    token = forged(roles=["king", "auditor", 3])
    assert tokens.actor(f"Bearer {token}").roles == ("auditor",)
