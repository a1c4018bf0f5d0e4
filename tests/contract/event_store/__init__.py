"""What every event store promises. An adapter enrols by empty subclasses; see `test_sqlite`."""
