"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.services.fixtures import (
    elasticsearch,
    elasticsearch_server,
    kafka,
    kafka_server,
    pytest_collection_finish,
)

__all__ = [
    "elasticsearch",
    "elasticsearch_server",
    "kafka",
    "kafka_server",
    "pytest_collection_finish",
]

# The first run in a fresh clone makes Hypothesis' table of characters, which takes seconds, and
# a busy machine is slow: neither says anything about the code.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")
