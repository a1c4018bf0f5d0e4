"""What Kafka's clients run into, in our words."""

from __future__ import annotations


class KafkaError(Exception):
    """Base of the errors here."""


class KafkaUnavailable(KafkaError):
    """Kafka can't be reached or can't do it now; trying again later can succeed."""


class Fenced(KafkaError):
    """Another producer of the same transactional id has taken over; nothing was published."""


class MalformedRecord(KafkaError):
    """A record in a topic of ours is not what the relay writes."""
