"""What all contexts are built on: aggregates, repositories, idempotency, the command bus."""
