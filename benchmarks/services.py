"""Kafka and Elasticsearch to measure on, as the tests have them."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.services.fixtures import Services


@contextmanager
def servers(*names: str) -> Generator[list[str]]:
    """Addresses of servers: those that `ORDERLOG_TEST_<NAME>` names, or made for this.

    Raises:
        Missing: this machine lacks something that one of them needs.
    """
    with tempfile.TemporaryDirectory() as folder:
        services = Services(lambda name: Path(folder, name))
        try:
            for name in names:
                services.begin(name)
            yield [services.address(name) for name in names]
        finally:
            services.end()
