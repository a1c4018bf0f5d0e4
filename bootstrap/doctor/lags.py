"""When a lag is something to look at."""

from __future__ import annotations

from api.cli.doctor import Finding, Status

_WARNING_SECONDS, _FAILED_SECONDS = 10.0, 300.0


def lagging(check: str, seconds: float, what: str, advice: str) -> Finding:
    """Of the age of the oldest event that something was not done with."""
    status: Status = "ok"
    if seconds > _WARNING_SECONDS:
        status = "failed" if seconds > _FAILED_SECONDS else "warning"
    found = f"an event recorded {seconds:.1f} s ago {what} yet"
    return Finding(check, status, found, None if status == "ok" else advice)
