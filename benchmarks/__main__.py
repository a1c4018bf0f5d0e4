"""Runs the benchmarks: `make bench`."""

from __future__ import annotations

from benchmarks import create_order, rebuild

print(f"Durable CreateOrder over HTTP, {create_order.CONNECTIONS} connections:\n")
print(create_order.run())
print("\nRebuilding order_details from orders of five events:\n")
print(rebuild.run())
