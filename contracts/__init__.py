"""Published language: commands, events, values, documents. Imports nothing of ours."""
