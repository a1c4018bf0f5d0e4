"""Commands in: contexts of aggregates, command handlers and policies."""
