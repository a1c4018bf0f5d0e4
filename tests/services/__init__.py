"""Real servers for the tests: Kafka and Elasticsearch, run from what Maven Central publishes.

Nothing of them is part of the project; the jars are fetched when tests first need them.
"""
