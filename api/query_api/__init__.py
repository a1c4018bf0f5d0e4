"""The query API: what the read models answer over HTTP."""
