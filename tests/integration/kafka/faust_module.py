"""What `faust -A tests.integration.kafka.faust_module worker` runs: a sink into a file.

The environment names servers, prefix, partitions, group, file, name and the batch that fails.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from event_store.kafka.faust_app import FeedApp
from event_store.kafka.feed_settings import FeedSettings
from event_store.kafka.topics import Topics
from event_store.partitions import PartitionHandler
from tests.integration.kafka.sink import Sink

_servers, _prefix, _partitions, _group, _file, _name, _fail_at = os.environ["FED"].split("|")


@asynccontextmanager
async def _open(_topics: Topics) -> AsyncGenerator[PartitionHandler]:
    yield Sink(Path(_file), _name, fail_at=int(_fail_at))


app = FeedApp(FeedSettings(_servers, Topics(_prefix, int(_partitions)), _group), _open)
