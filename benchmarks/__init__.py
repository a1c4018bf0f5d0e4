"""Benchmarks: what is claimed in docs/performance.md, and how to measure it again."""
