"""Runs the benchmarks: `make bench`, or `python -m benchmarks NAME...` for some of them."""

from __future__ import annotations

import sys

from benchmarks import (
    commands,
    create_order,
    eventstoredb,
    loading,
    rebuild,
    rebuild_live,
    visibility,
)

BENCHMARKS = {
    "create-order": ("Durable CreateOrder over HTTP, 64 connections", create_order.run),
    "commands": ("CreateOrder below HTTP, 64 callers, full fsync", commands.run),
    "loading": ("Loading an order", loading.run),
    "rebuild": ("Rebuild of order_details", rebuild.run),
    "rebuild-live": ("Rebuild beside a busy `serve`", rebuild_live.run),
    "eventstoredb": ("EventStoreDB's protocol, and the write side on it", eventstoredb.run),
    "visibility": ("From command to query, the whole of `serve`", visibility.run),
}

for name in sys.argv[1:] or BENCHMARKS:
    title, run = BENCHMARKS[name]
    print(f"## {title}\n\n{run()}\n", flush=True)
