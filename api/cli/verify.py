"""`orderlog audit verify` and `head`: whether anything was changed after it was recorded."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.cli.application import Application, OpenApplication
from api.cli.counting import counting
from api.cli.output import fail, print_json, print_line
from api.cli.running import failing_clearly, run
from event_store import heads
from event_store.verification import Finding
from event_store.verifying import Report, Verification, Verified

Stream = Annotated[str | None, typer.Argument(help="Category and id; without it: everything.")]
All = Annotated[bool, typer.Option("--all", help="Check everything, as without a stream.")]
Against = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A head made earlier: find what was cut off or removed since.",
        exists=True,
        dir_okay=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_verification(audit: typer.Typer, open_application: OpenApplication) -> None:
    """Add `audit verify` and `audit head`."""
    _add_verify(audit, open_application)
    _add_head(audit, open_application)


def _add_verify(audit: typer.Typer, open_application: OpenApplication) -> None:
    @audit.command(
        epilog="Examples:\n\norderlog audit verify\n\norderlog audit verify order-9f1c...\n\n"
        "orderlog audit verify --against /elsewhere/head-2026-01-05.json"
    )
    def verify(
        stream: Stream = None,
        everything: All = False,
        against: Against = None,
        as_json: AsJson = False,
    ) -> None:
        """Find events that were changed, removed, added or moved after they were recorded.

        Names each of them, secret streams' too, by stream, version and id; contents are not
        shown. Exit code 1 if there are any.
        """
        if stream is not None and everything:
            raise typer.BadParameter("name a stream or say --all, not both")
        findings: list[Finding] = []
        report = findings.append if as_json else _print_finding
        with failing_clearly():
            signed = None if against is None else against.read_bytes()
        verified = run(
            open_application, partial(_verify, stream=stream, signed=signed, report=report)
        )
        if stream is not None and not verified.streams and not verified.findings:
            fail(f"There is no stream {stream}.")
        if as_json:
            print_json({"ok": not verified.findings, **_counts(verified), "found": findings})
        else:
            _print_summary(verified)
        if verified.findings:
            raise typer.Exit(1)


def _add_head(audit: typer.Typer, open_application: OpenApplication) -> None:
    @audit.command(epilog="Example:\n\norderlog audit head /elsewhere/head-2026-01-05.json")
    def head(
        file: Annotated[Path, typer.Argument(help="To make; it must not exist yet.")],
        force: Annotated[
            bool, typer.Option("--force", help="Write it even if something is wrong already.")
        ] = False,
    ) -> None:
        """Check everything, and write a signed list of every stream's version and hash.

        Keep the file where nobody who can write the event store can change it: `verify --against`
        finds with it what was cut off, removed or written anew.
        """
        with failing_clearly():
            _refuse_existing(file)
        content, verified = run(open_application, _make_head)
        if verified.findings and not force:
            fail(f"{verified.findings} findings, see above: no head was written (--force does).")
        with failing_clearly():
            _write(file, content)
        typer.echo(f"The ends of {verified.streams} streams are in {file}.")


async def _verify(
    application: Application, stream: str | None, signed: bytes | None, report: Report
) -> Verified:
    try:
        head = None if signed is None else heads.read(signed, application.chain)
    except heads.NotGenuine as error:
        fail(f"The head proves nothing: {error}.")
    with counting("checked", head.events if head and stream is None else None) as progress:
        verification = Verification(
            application.events,
            await application.events.identity(),
            application.chain,
            report,
            against=head,
            progress=progress,
        )
        if stream is None:
            return await verification.everything()
        return await verification.stream(stream)


async def _make_head(application: Application) -> tuple[bytes, Verified]:
    with counting("checked") as progress:
        verification = Verification(
            application.events,
            await application.events.identity(),
            application.chain,
            _print_finding,
            progress=progress,
        )
        verified = await verification.everything()
    return heads.signed(verification.head(datetime.now(UTC)), application.chain), verified


def _print_finding(finding: Finding) -> None:
    print_line(
        (f"{finding.stream}@{finding.version}", "bold"),
        (f" {finding.fault}", "red"),
        (f" {finding.event_id or '-'}", "dim"),
        (f" {finding.detail}", ""),
    )


def _print_summary(verified: Verified) -> None:
    typer.echo(f"{verified.events} events of {verified.streams} streams were checked.")
    if verified.unchained:
        typer.echo(
            f"{verified.unchained} of them were recorded before events had hashes: "
            "nothing can be said of those."
        )
    if verified.other_store:
        typer.echo(
            "The head was made of a store of another identity: this one was restored from a "
            "backup, or is another one."
        )
    if verified.findings == 0:
        typer.echo("All of them are as they were recorded.")
        return
    typer.echo(f"{verified.findings} findings.")
    if not verified.proven:
        typer.echo("No event fits its hash: is this the audit key that they were recorded with?")


def _counts(verified: Verified) -> dict[str, int | bool]:
    return {
        "events": verified.events,
        "streams": verified.streams,
        "proven": verified.proven,
        "unchained": verified.unchained,
        "other_store": verified.other_store,
    }


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise FileExistsError(f"{file} exists already and is left as it is")


def _write(file: Path, content: bytes) -> None:
    """Write it whole or not at all."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        # Unlike a rename this never takes the place of another file.
        file.hardlink_to(temporary)
    finally:
        temporary.unlink()
