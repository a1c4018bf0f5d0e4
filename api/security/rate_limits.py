"""How often somebody may try to sign in or sign up.

An exact moving window in memory, in the notation of the `limits` library ("30/minute"). Its own
memory storage is not used: it looks at every key it remembers, in a thread, at each attempt.
"""

from __future__ import annotations

import hmac
import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable

from limits import parse

from contracts.errors import TooManyRequests

_LABEL = b"orderlog rate limits v1"
_SWEEP_ABOVE = 1024


class MovingWindow:
    """At most so many attempts of one key within any period of that length."""

    def __init__(self, limit: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Read a limit such as "30/minute".

        Raises:
            ValueError: it is no limit.
        """
        item = parse(limit)
        self._amount = item.amount
        self._seconds = float(item.get_expiry())
        self._clock = clock
        self._attempts: dict[str, deque[float]] = {}
        self._sweep_at = _SWEEP_ABOVE

    def attempt(self, key: str) -> float:
        """Count an attempt; 0 if it may go on, else the seconds until the next one may."""
        now = self._clock()
        if len(self._attempts) >= self._sweep_at:
            self._sweep(now)
        attempts = self._attempts.setdefault(key, deque())
        while attempts and attempts[0] <= now - self._seconds:
            attempts.popleft()
        if len(attempts) >= self._amount:
            return attempts[0] + self._seconds - now if attempts else self._seconds
        attempts.append(now)
        return 0.0

    def _sweep(self, now: float) -> None:
        live = {
            key: attempts
            for key, attempts in self._attempts.items()
            if attempts and attempts[-1] > now - self._seconds
        }
        self._attempts = live
        self._sweep_at = max(_SWEEP_ABOVE, 2 * len(live))


class RateLimits:
    """Limits attempts by e-mail and by network address. Addresses and e-mails are not kept."""

    def __init__(
        self,
        secret: bytes,
        *,
        per_email: str,
        per_address: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hash what is remembered with a key from this secret."""
        self._key = hmac.digest(secret, _LABEL, "sha256")
        self._by_email = MovingWindow(per_email, clock)
        self._by_address = MovingWindow(per_address, clock)

    def check(self, action: str, email: str, address: str) -> None:
        """Count an attempt at an action by someone (an e-mail, a user id) from an address.

        Raises:
            TooManyRequests: there were too many; this one must not be carried out.
        """
        wait = self._by_address.attempt(self._hashed(action, _network(address)))
        if not wait:
            wait = self._by_email.attempt(self._hashed(action, email.strip().casefold()))
        if wait:
            seconds = max(1, math.ceil(wait))
            raise TooManyRequests(f"Try again in {seconds} s.", retry_after=seconds)

    def _hashed(self, action: str, whom: str) -> str:
        content = f"{action}\n{whom}".encode(errors="surrogatepass")
        return hmac.digest(self._key, content, "sha256").hex()[:32]


def _network(address: str) -> str:
    """An IPv6 caller has a whole /64 to choose from: count that as one address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
