"""Queries out: the read store and its queries."""
