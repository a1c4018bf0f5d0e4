"""Settings of indices."""

from __future__ import annotations

from typing import Any

PRIORITY = 450
"""Of our index templates, so that they win over an operator's for all indices."""
_LOADED = {"refresh_interval": None, "translog": {"durability": None}}
_REPLICAS = "0-1"


def index_settings() -> dict[str, Any]:
    """How an index begins: one shard, and a copy of it where there is a second node."""
    return {
        "number_of_shards": 1,
        "auto_expand_replicas": _REPLICAS,
        "max_result_window": 10_001,  # The largest page, and whether there is more.
        "mapping": {"nested_objects": {"limit": 1_000_000}},
    }


def while_loading() -> dict[str, Any]:
    """What makes loading cheap; a load that ends early is thrown away."""
    return {
        "refresh_interval": "-1",
        "translog": {"durability": "async"},
        "auto_expand_replicas": False,
        "number_of_replicas": 0,
    }


def when_loaded() -> dict[str, Any]:
    """As an index is used."""
    return {**_LOADED, "auto_expand_replicas": _REPLICAS}
