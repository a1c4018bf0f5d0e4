"""Where adapters are chosen and everything is put together."""
