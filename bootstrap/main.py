"""The console script `orderlog`."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path

import typer
from pydantic import ValidationError

from api.cli.application import CannotOpen
from api.cli.demo_shop import CONFIRMED_VERSION, fill
from api.cli.demo_text import describe, this_program
from api.cli.doctor import add_doctor
from api.cli.main import create_cli
from api.cli.migrate import Move, add_migrate
from api.cli.running import INTERRUPTED, failing_clearly
from api.cli.secrets import add_secrets
from api.security.consistency import ConsistencyToken
from bootstrap import logs
from bootstrap.background import Background
from bootstrap.container import Container, open_container
from bootstrap.doctor import examine
from bootstrap.event_store_server import add_event_store_server
from bootstrap.event_stores import embedded_file, has_begun, refuse_elsewhere, renew_identity
from bootstrap.migration import migrate
from bootstrap.needs import refuse_services
from bootstrap.ownership import AlreadyOwned, owning
from bootstrap.secrets_folder import make_secrets
from bootstrap.serve import serve
from bootstrap.serving import add_services
from bootstrap.settings import Settings, event_keys, keep_event_keys
from event_store.backup import backup, restore
from event_store.composite import part_for
from event_store.migration import Watch

_TOKEN_LIFETIME = timedelta(hours=12)


def main() -> None:
    """Run the command line."""
    settings = read_settings()
    logs.configure(settings)
    try:
        command_line(settings)()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def read_settings() -> Settings:
    """The settings; what is wrong with one is told in one line, and ends the process."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "ORDERLOG_" + "_".join(str(part) for part in wrong["loc"]).upper()
        typer.echo(f"orderlog: {name}: {wrong['msg'].removeprefix('Value error, ')}", err=True)
        raise SystemExit(1) from None


def command_line(settings: Settings) -> typer.Typer:
    """All commands, on what the settings describe."""

    def open_or_begin() -> AbstractAsyncContextManager[Container]:
        refuse_elsewhere(settings)
        return open_container(settings)

    def open_application() -> AbstractAsyncContextManager[Container]:
        refuse_elsewhere(settings)
        _check_begun(settings)
        return open_container(settings)

    def make_backup(file: Path) -> None:
        events = embedded_file(settings)
        _check_begun(settings)
        backup(events, file, event_keys(settings))

    def make_restore(file: Path) -> None:
        events = embedded_file(settings)
        try:
            with owning(settings.data):
                restore(file, events, partial(keep_event_keys, settings))
        except AlreadyOwned as error:
            raise CannotOpen(str(error)) from error

    async def make_move(to: str, watch: Watch) -> Move:
        _check_begun(settings)
        return await migrate(settings, to, watch)

    cli = create_cli(open_application, open_or_begin, make_backup, make_restore)
    add_migrate(cli, make_move)
    add_secrets(cli, partial(make_secrets, settings))
    add_doctor(cli, partial(examine, settings))
    _add_serving(cli, settings)
    _add_restored(cli, settings)
    return cli


def _add_serving(cli: typer.Typer, settings: Settings) -> None:
    serving = typer.Typer(invoke_without_command=True)
    cli.add_typer(serving, name="serve")
    add_services(serving, settings)
    add_event_store_server(serving, settings)

    @serving.callback()
    def serve_everything(context: typer.Context) -> None:  # pyright: ignore[reportUnusedFunction]
        """Serve commands and queries in one process, on SQLite files.

        The events can be in EventStoreDB instead (ORDERLOG_EVENT_STORE), and the read models in
        Elasticsearch (ORDERLOG_READ_STORE). The commands below are one service each.

        Listens on ORDERLOG_HOST:ORDERLOG_PORT (127.0.0.1:8000); data in ORDERLOG_DATA
        (./orderlog-data). SIGTERM and Ctrl-C finish what was accepted.

        Example: ORDERLOG_PORT=8080 orderlog serve
        """
        if context.invoked_subcommand is None:
            with failing_clearly():
                refuse_services(settings)
                refuse_elsewhere(settings)
                serve(settings, _announce)

    @cli.command("demo")
    def demo() -> None:  # pyright: ignore[reportUnusedFunction]
        """Serve a small made-up shop; prints what to open and lines to paste.

        The shop is added once; a folder that has it already is served as it is.

        Example: ORDERLOG_DATA=/tmp/shop orderlog demo
        """
        with failing_clearly():
            refuse_services(settings)
            refuse_elsewhere(settings)
            serve(settings, _open_demo_shop)


def _add_restored(cli: typer.Typer, settings: Settings) -> None:
    @cli.command("restored")
    def restored() -> None:  # pyright: ignore[reportUnusedFunction]
        """Say that EventStoreDB was restored from a backup, while nothing is served.

        Read models are then built anew by the next `orderlog serve`, and consistency tokens of
        before are void: they may tell of events that are lost.

        Example: orderlog restored
        """
        with failing_clearly():
            identity = asyncio.run(renew_identity(settings))
            typer.echo(f"The event store is known as {identity} from now on.")


def _check_begun(settings: Settings) -> None:
    """A mistyped folder must not become a new shop, with keys that no server knows."""
    if settings.secrets is not None and settings.event_store is not None:
        return  # The keys of another shop are never made, whatever is mistyped.
    if not has_begun(settings):
        if settings.kafka is not None:
            raise CannotOpen("ORDERLOG_SECRETS is not set: the folder with the shop's secrets.")
        raise CannotOpen(
            f"There is no shop in {settings.data.absolute()}: set ORDERLOG_DATA, "
            "or begin with orderlog serve"
        )


async def _announce(container: Container, background: Background, base_url: str) -> None:
    typer.echo(f"orderlog serves on {base_url} (API document: {base_url}/docs).")
    folder = container.settings.data
    typer.echo(
        f"Data in {folder.absolute()}. A token to begin with: orderlog token --role operator"
    )


async def _open_demo_shop(container: Container, background: Background, base_url: str) -> None:
    shop = await fill(container.bus, container.events)
    settings, uri = container.settings, container.settings.event_store
    await background.projections.ready()
    store = part_for(container.store_identity, shop.order_stream)
    confirmed = ConsistencyToken(store, shop.order_stream, CONFIRMED_VERSION)
    text = describe(
        shop,
        base_url,
        {
            "customer": container.token(shop.customer_id, ("customer",), _TOKEN_LIFETIME),
            "operator": container.token(shop.operator_id, ("operator",), _TOKEN_LIFETIME),
            "auditor": container.token(shop.auditor_id, ("auditor",), _TOKEN_LIFETIME),
        },
        consistency_token=container.consistency_tokens.encode(confirmed),
        program=this_program(settings.data, uri.get_secret_value() if uri else None),
    )
    typer.echo(text)


if __name__ == "__main__":
    main()
