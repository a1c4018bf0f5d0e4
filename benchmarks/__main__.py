"""Runs the benchmarks: `make bench`, or `python -m benchmarks NAME...` for some of them."""

from __future__ import annotations

import argparse
import importlib
import sys

from tests.services.java import Missing

BENCHMARKS = {
    "create-order": "Durable CreateOrder over HTTP, 64 connections",
    "commands": "CreateOrder below HTTP, 64 callers, full fsync",
    "loading": "Loading an order",
    "chain-cost": "What the hashes over events cost a CreateOrder",
    "rebuild": "Rebuild of order_details",
    "rebuild-live": "Rebuild beside a busy `serve`",
    "rebuild-processes": "Rebuild with one process and with two",
    "eventstoredb": "EventStoreDB's protocol, and the write side on it",
    "visibility": "From command to query, the whole of `serve`",
    "relay": "The relay, as a share of what Kafka's client can send",
    "faust-worker": "The Faust worker, as a share of what Kafka's client can read",
    "elasticsearch-sink": "Writing to Elasticsearch, as a share of the client's bulks",
    "services-visibility": "From command to query, each process apart",
}
"""Titles by name; each is a module with `run`, which measures and gives a table of Markdown."""


def _names() -> list[str]:
    listed = "\n".join(f"  {name:22}{title}" for name, title in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures, and prints tables of Markdown.",
        epilog=f"benchmarks:\n{listed}\n\nKafka and Elasticsearch are started where they are"
        " needed, unless ORDERLOG_TEST_KAFKA and\nORDERLOG_TEST_ELASTICSEARCH name servers.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them if none is named")
    names: list[str] = parser.parse_args().names
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name}; --help lists them")
    return names


def main() -> int:
    """Run what was asked for; the exit code."""
    names = _names()
    lacking = False
    for name in names or BENCHMARKS:
        module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
        try:
            table = module.run()
        except Missing as reason:
            print(f"{name} was not measured: {reason}", file=sys.stderr, flush=True)
            lacking = True
        else:
            print(f"## {BENCHMARKS[name]}\n\n{table}\n", flush=True)
    return 1 if lacking and names else 0


if __name__ == "__main__":
    sys.exit(main())
