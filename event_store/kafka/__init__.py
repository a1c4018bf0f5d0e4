"""Events through Kafka: the relay that publishes them, and what its readers need."""
