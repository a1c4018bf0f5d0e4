"""Runs a Faust feed into a file until SIGTERM.

Usage: python -m tests.integration.kafka.faust_process SERVERS PREFIX PARTITIONS GROUP FILE NAME
       [--slow=SECONDS] [--fail-at=BATCH] [--instance=NAME] [--hang]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

import uvloop

from event_store.kafka.admin import prepare
from event_store.kafka.faust_feed import FaustFeed
from event_store.kafka.feed_settings import FeedSettings
from event_store.kafka.topics import Topics
from tests.integration.kafka.sink import Sink


async def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("servers", "prefix"):
        parser.add_argument(name)
    parser.add_argument("partitions", type=int)
    parser.add_argument("group")
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--fail-at", type=int, default=0)
    parser.add_argument("--instance")
    given = parser.parse_args()

    topics = await prepare(given.servers, Topics(given.prefix, given.partitions))
    sink = Sink(given.file, given.name, slow=given.slow, fail_at=given.fail_at)
    settings = FeedSettings(given.servers, topics, given.group, given.instance)
    feed = FaustFeed(settings, sink)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await feed.start()
    ended = asyncio.create_task(feed.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        ended.result()
    await feed.stop()


if __name__ == "__main__":
    uvloop.run(main())
