"""`orderlog serve ...`: the services, each a process of its own."""

from __future__ import annotations

import typer

from api.cli.running import failing_clearly
from bootstrap import services, workers
from bootstrap.needs import Needs, prepared
from bootstrap.secrets_folder import COMMANDS, TOKENS
from bootstrap.service import Work, serve_service
from bootstrap.settings import Settings


def add_services(cli: typer.Typer, settings: Settings) -> None:
    """Add the services to what can be served."""
    _add_apis(cli, settings)
    _add_workers(cli, settings)


def _run(settings: Settings, name: str, what: str, needs: Needs, work: Work) -> None:
    with failing_clearly():
        serve_service(prepared(settings, name, needs), name, what, work)


def _add_apis(cli: typer.Typer, settings: Settings) -> None:
    @cli.command("command-api")
    def command_api() -> None:  # pyright: ignore[reportUnusedFunction]
        """Take commands only; any number of these may run side by side.

        Needs ORDERLOG_EVENT_STORE and the secrets (ORDERLOG_SECRETS); listens on ORDERLOG_HOST
        and ORDERLOG_PORT, as all services do. Waits for servers that are not there yet.

        Example: ORDERLOG_PORT=8000 orderlog serve command-api
        """
        needs = Needs(secrets=(*TOKENS, *COMMANDS))
        _run(settings, "command-api", "takes commands", needs, services.command_api)

    @cli.command("query-api")
    def query_api() -> None:  # pyright: ignore[reportUnusedFunction]
        """Answer queries only, from Elasticsearch; any number of these may run side by side.

        Needs ORDERLOG_READ_STORE, ORDERLOG_EVENT_STORE (for the audit, and to know how old an
        answer is) and the secret `jwt`. When the event store is down it goes on answering, and
        says that answers are stale.

        Example: ORDERLOG_PORT=8001 orderlog serve query-api
        """
        needs = Needs(read_store=True, secrets=TOKENS)
        _run(settings, "query-api", "answers queries", needs, services.query_api)


def _add_workers(cli: typer.Typer, settings: Settings) -> None:
    @cli.command("relay")
    def relay() -> None:  # pyright: ignore[reportUnusedFunction]
        """Publish all events to Kafka, each once and in order.

        Needs ORDERLOG_EVENT_STORE and ORDERLOG_KAFKA. Of several one publishes and the others
        stand by. Serves its health only, on ORDERLOG_HOST and ORDERLOG_PORT.

        Example: ORDERLOG_PORT=8002 orderlog serve relay
        """
        what = f"publishes events to Kafka at {settings.kafka}"
        _run(settings, "relay", what, Needs(kafka=True), workers.relay)

    @cli.command("projector")
    def projector() -> None:  # pyright: ignore[reportUnusedFunction]
        """Keep the read models up to date; several share the partitions between them.

        Needs ORDERLOG_EVENT_STORE, ORDERLOG_KAFKA and ORDERLOG_READ_STORE. Serves its health
        only, on ORDERLOG_HOST and ORDERLOG_PORT.

        Example: ORDERLOG_PORT=8003 orderlog serve projector
        """
        what = f"projects events from Kafka at {settings.kafka}"
        _run(settings, "projector", what, Needs(kafka=True, read_store=True), workers.projector)

    @cli.command("process-manager")
    def process_manager() -> None:  # pyright: ignore[reportUnusedFunction]
        """Run the policies, which answer events with commands; several share the partitions.

        Needs ORDERLOG_EVENT_STORE, ORDERLOG_KAFKA and the secrets (ORDERLOG_SECRETS). Serves its
        health only, on ORDERLOG_HOST and ORDERLOG_PORT.

        Example: ORDERLOG_PORT=8004 orderlog serve process-manager
        """
        what = f"runs policies on events from Kafka at {settings.kafka}"
        needs = Needs(kafka=True, secrets=(*TOKENS, *COMMANDS))
        _run(settings, "process-manager", what, needs, workers.process_manager)
