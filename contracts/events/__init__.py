"""The events of all contexts. Each is stored under its own name and schema version."""
