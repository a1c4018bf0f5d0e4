"""Processor time of the processes that this one started, and of those that they started."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_JAVA = {b"kafka.Kafka": "Kafka", b"EsNode": "Elasticsearch"}


def used() -> Counter[str]:
    """Seconds by what runs there; nothing where the system does not tell them as Linux does."""
    seconds = Counter({"the load": _seconds(os.getpid())})
    for pid in _started(os.getpid()):
        try:
            seconds[_name(pid)] += _seconds(pid)
        except OSError:  # It has ended meanwhile.
            continue
    return seconds


def _started(pid: int) -> Iterator[int]:
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = listed.read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from _started(child)


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    java = [name for word in words for sign, name in _JAVA.items() if word == sign]
    return java[0] if java else words[-1].decode().rpartition("/")[2]


def _seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    fields = stat.read_text().rpartition(")")[2].split() if stat.exists() else []
    return sum(map(int, fields[11:13])) / _TICKS
