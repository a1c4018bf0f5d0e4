"""Elasticsearch: one node of what is published as jars.

Its modules for scripts, reindex, analysis of languages and security are not, nor is `GET /`.
"""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from tests.services.jars import RECIPES, fetch, kept
from tests.services.java import Java, java_for
from tests.services.server import HOST, SMALL_JVM, Server, free_port

VERSION = "9.5.3"
_JAVA = 21
_RECIPE = RECIPES / "elasticsearch"
_OPTIONS = (
    *SMALL_JVM,
    "-Xms512m",
    "-Xmx512m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dfile.encoding=UTF-8",
    "-Des.networkaddress.cache.ttl=60",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j2.formatMsgNoLookups=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
)


def home() -> Path:
    """The folder of an installed node, without data.

    Raises:
        Missing: this machine lacks a JDK or Maven, or Maven finds nothing.
    """
    java = _java()
    return kept(f"elasticsearch-{VERSION}", _RECIPE, lambda folder: _install(java, folder))


class ElasticsearchServer(Server):
    """A node; `address` is its URL."""

    def __init__(self, folder: Path) -> None:
        """Prepare it; nothing is started or fetched."""
        super().__init__(folder)
        self._transport_port = free_port()

    @property
    def address(self) -> str:
        """What clients are given."""
        return f"http://{HOST}:{self.port}"

    def prepare(self) -> list[str]:
        """See that the node is installed."""
        installed = home()
        run = [str(_java().program), *_OPTIONS, "-cp", f"{installed}/lib/*:{installed}/classes"]
        settings = [installed, self.folder, self.port, self._transport_port]
        return [*run, "EsNode", *map(str, settings)]

    def is_ready(self) -> bool:
        """Whether all documents that it has can be reached."""
        health = f"{self.address}/_cluster/health?wait_for_status=yellow&timeout=1s"
        try:
            with urllib.request.urlopen(health, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def _java() -> Java:
    return java_for(f"Elasticsearch {VERSION}", _JAVA, compiler=True)


def _install(java: Java, folder: Path) -> None:
    libraries, transport = folder / "lib", folder / "modules" / "transport-netty4"
    transport.mkdir(parents=True)
    fetch(java, _RECIPE, VERSION, libraries)
    # A module has its jars to itself: found twice, they would be refused.
    for pattern in ("netty-*.jar", "transport-netty4-*.jar"):
        for jar in libraries.glob(pattern):
            jar.rename(transport / jar.name)
    descriptor = (_RECIPE / "plugin-descriptor.properties").read_text()
    (transport / "plugin-descriptor.properties").write_text(descriptor.format(version=VERSION))
    (folder / "config").mkdir()
    (folder / "config" / "elasticsearch.yml").touch()
    shutil.copy(_RECIPE / "log4j2.properties", folder / "config")
    _compile(java, libraries, folder / "classes")


def _compile(java: Java, libraries: Path, classes: Path) -> None:
    command = [java.compiler, "-nowarn", "--release", str(_JAVA), "-cp", f"{libraries}/*"]
    command += ["-d", classes, _RECIPE / "EsNode.java"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The launcher of Elasticsearch does not compile:\n{done.stderr}")
