"""Runs the benchmarks: `make bench`."""

from __future__ import annotations

from benchmarks import create_order

print(f"Durable CreateOrder over HTTP, {create_order.CONNECTIONS} connections:\n")
print(create_order.run())
