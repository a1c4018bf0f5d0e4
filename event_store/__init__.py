"""The event store: its port, the embedded adapter, codec and subscriptions."""
