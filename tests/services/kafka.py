"""Apache Kafka: one broker that is its own controller."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.services.jars import RECIPES, fetch, kept
from tests.services.java import Java, java_for
from tests.services.server import HOST, SMALL_JVM, Server, free_port

VERSION = "4.4.0"
_JAVA = 17
_RECIPE = RECIPES / "kafka"
_OPTIONS = (
    *SMALL_JVM,
    "-Xms64m",
    "-Xmx512m",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
# One partition of each inner topic: they are made at first use, and fewer are made sooner.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
log.segment.bytes=104857600
log.cleaner.dedupe.buffer.size=4194304
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=2
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
controlled.shutdown.enable=false
"""


def jars() -> Path:
    """The folder with Kafka's jars.

    Raises:
        Missing: this machine lacks Java or Maven, or Maven finds nothing.
    """
    java = _java()
    return kept(f"kafka-{VERSION}", _RECIPE, lambda folder: fetch(java, _RECIPE, VERSION, folder))


class KafkaServer(Server):
    """A broker; `address` is its bootstrap server."""

    def __init__(self, folder: Path) -> None:
        """Prepare it; nothing is started or fetched."""
        super().__init__(folder)
        self._controller_port = free_port()

    @property
    def address(self) -> str:
        """What clients are given."""
        return f"{HOST}:{self.port}"

    def prepare(self) -> list[str]:
        """Format its data folder the first time."""
        properties = self.folder / "server.properties"
        data = self.folder / "data"
        run = [str(_java().program), *_OPTIONS, "-cp", f"{jars()}/*"]
        if not (data / "meta.properties").exists():
            text = _PROPERTIES.format(
                host=HOST, port=self.port, controller_port=self._controller_port, data=data
            )
            properties.write_text(text)
            _format(run, properties)
        return [*run, "kafka.Kafka", str(properties)]

    def is_ready(self) -> bool:
        """Whether it names itself as a broker."""
        client = AdminClient(
            {"bootstrap.servers": self.address, "log_level": 0, "reconnect.backoff.max.ms": 100}
        )
        try:
            return bool(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


def _java() -> Java:
    return java_for(f"Kafka {VERSION}", _JAVA)


def _format(run: list[str], properties: Path) -> None:
    # A cluster id must not begin like an option.
    cluster = "T" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    command = [*run, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Kafka could not format its folder:\n{done.stdout}{done.stderr}")
