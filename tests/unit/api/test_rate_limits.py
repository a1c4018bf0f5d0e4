from __future__ import annotations

import pytest

from api.security.rate_limits import MovingWindow, RateLimits
from contracts.errors import TooManyRequests
from tests.support.http import SECRET


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, per_email: str = "3/minute", per_address: str = "5/minute") -> RateLimits:
    return RateLimits(SECRET, per_email=per_email, per_address=per_address, clock=clock)


def test_attempts_beyond_the_limit_wait_for_the_oldest_to_leave(clock):
    window = MovingWindow("2/minute", clock)
    assert window.attempt("a") == 0
    clock.now += 20
    assert window.attempt("a") == 0
    clock.now += 10
    assert window.attempt("a") == 30
    assert window.attempt("b") == 0
    clock.now += 30
    assert window.attempt("a") == 0
    assert window.attempt("a") == 20


def test_a_refused_attempt_does_not_count(clock):
    window = MovingWindow("1/minute", clock)
    window.attempt("a")
    clock.now += 59
    assert window.attempt("a") == 1
    clock.now += 1
    assert window.attempt("a") == 0


def test_old_keys_are_forgotten(clock):
    window = MovingWindow("1/minute", clock)
    for number in range(2000):
        window.attempt(str(number))
    clock.now += 61
    for number in range(5000):
        window.attempt(f"later {number}")
    assert len(window._attempts) < 6000
    assert "0" not in window._attempts


@pytest.mark.parametrize("text", ["", "many", "30", "0.5/minute"])
def test_no_limit_is_an_error_at_once(text):
    with pytest.raises(ValueError, match="rate limit"):
        MovingWindow(text)


def test_one_email_from_everywhere(clock):
    several = limits(clock)
    for number in range(3):
        several.check("sign-in", "ada@example.com", f"192.0.2.{number}")
    with pytest.raises(TooManyRequests) as refused:
        several.check("sign-in", " ADA@example.com", "192.0.2.9")
    assert refused.value.retry_after == 60
    several.check("register", "ada@example.com", "192.0.2.1")


def test_many_emails_from_one_address(clock):
    several = limits(clock)
    for number in range(5):
        several.check("sign-in", f"{number}@example.com", "192.0.2.1")
    with pytest.raises(TooManyRequests):
        several.check("sign-in", "6@example.com", "192.0.2.1")
    several.check("sign-in", "6@example.com", "192.0.2.2")


def test_a_network_of_ipv6_is_one_address(clock):
    several = limits(clock, per_address="1/minute")
    several.check("sign-in", "a@example.com", "2001:db8::1")
    with pytest.raises(TooManyRequests):
        several.check("sign-in", "b@example.com", "2001:db8::ffff:1")
    several.check("sign-in", "c@example.com", "2001:db8:0:1::1")


def test_neither_addresses_nor_emails_are_kept(clock):
    several = limits(clock)
    several.check("sign-in", "ada@example.com", "192.0.2.1")
    kept = f"{several._by_email._attempts} {several._by_address._attempts}"
    assert "ada" not in kept
    assert "192" not in kept


def test_surrogates_and_sockets_without_an_address_are_counted_too(clock):
    limits(clock).check("sign-in", "\ud800", "")
