"""What all HTTP applications share: problem documents, limits, headers, health, the factory."""
