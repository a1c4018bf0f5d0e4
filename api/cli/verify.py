"""`orderlog audit verify` and `head`: whether anything was changed after it was recorded."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.cli.application import Application, OpenApplication
from api.cli.audit import is_text
from api.cli.counting import counting
from api.cli.output import fail, print_json, print_line
from api.cli.running import failing_clearly, run
from event_store import heads
from event_store.port import NO_VERSION
from event_store.verification import Finding
from event_store.verifying import Report, Verified
from event_store.verifying_parts import verification_of

NOT_AS_RECORDED = 3
"""Exit code of a check that found something; 1 is one that could not be made."""
NOT_PROVEN = 4
"""Exit code of a check that found nothing, and could not prove each event either."""


def _is_text(value: str | None) -> str | None:
    return None if value is None else is_text(value)


Stream = Annotated[
    str | None,
    typer.Argument(callback=_is_text, help="Category and id; without it: everything."),
]
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


_NAMELESS = "''"


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
        shown. Exit code 0: each event is as it was recorded; 1: it could not be checked; 3:
        something was changed; 4: nothing was found, but not each event can be proven.
        """
        if stream is not None and everything:
            raise typer.BadParameter("name a stream or say --all, not both")
        findings: list[Finding] = []
        report = findings.append if as_json else _print_finding
        with failing_clearly():
            signed = None if against is None else against.read_bytes()
        work = partial(_verify, stream=stream, signed=signed, report=report)
        try:
            verified, all_hashed = run(open_application, work)
        except typer.Exit:
            if findings:  # Those until it could not go on.
                print_json({"ok": False, "found": findings})
            raise
        if stream is not None and not verified.streams and not verified.findings:
            fail(f"There is no stream {stream}.")
        if as_json:
            print_json({"ok": verified.sound, **_counts(verified, all_hashed), "found": findings})
        else:
            _print_summary(verified, all_hashed)
        _end(verified, all_hashed)


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
        content, verified, all_hashed = run(open_application, _make_head)
        if verified.findings and not force:
            told = f"{_found(verified)} No head was written (--force does)."
            typer.echo(f"orderlog: {told}", err=True)
            _end(verified, all_hashed)
        with failing_clearly():
            _write(file, content)
        typer.echo(f"The ends of {verified.streams} streams are in {file}.")
        if verified.unchained:
            typer.echo(
                f"{verified.unchained} events have no hash: the head proves nothing of them."
            )


async def _verify(
    application: Application, stream: str | None, signed: bytes | None, report: Report
) -> tuple[Verified, bool]:
    try:
        head = None if signed is None else heads.read(signed, application.chain)
    except heads.NotGenuine as error:
        fail(f"The head proves nothing: {error}.")
    with counting("checked", head.events if head and stream is None else None) as progress:
        verification = verification_of(
            application.events,
            await application.events.identity(),
            application.chain,
            report,
            all_hashed=application.all_hashed,
            against=head,
            progress=progress,
        )
        checking = verification.everything() if stream is None else verification.stream(stream)
        return await checking, application.all_hashed


async def _make_head(application: Application) -> tuple[bytes, Verified, bool]:
    with counting("checked") as progress:
        verification = verification_of(
            application.events,
            await application.events.identity(),
            application.chain,
            _print_finding,
            all_hashed=application.all_hashed,
            progress=progress,
        )
        verified = await verification.everything()
    content = heads.signed(verification.head(datetime.now(UTC)), application.chain)
    return content, verified, application.all_hashed


def _print_finding(finding: Finding) -> None:
    version = "?" if finding.version == NO_VERSION else finding.version
    of_store = not finding.stream and finding.event_id is None and version == "?"
    where = "the event store" if of_store else f"{_visible(finding.stream) or _NAMELESS}@{version}"
    print_line(
        (where, "bold"),
        (f" {finding.fault}", "red"),
        (f" {finding.event_id or '-'}", "dim"),
        (f" {_visible(finding.detail)}", ""),
    )


def _visible(text: str) -> str:
    """The text on one line that says nothing else than what is there."""
    shown = (it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)
    return "".join(shown)


def _print_summary(verified: Verified, all_hashed: bool) -> None:
    typer.echo(f"{verified.events} events of {verified.streams} streams were checked.")
    if all_hashed:
        typer.echo("This store began with hashes: an event without one is a finding.")
    if verified.other_store:
        typer.echo(
            "The head was made of a store of another identity: this one was restored from a "
            "backup, or is another one."
        )
    if verified.unchained:
        typer.echo(
            f"{verified.unchained} of them have no hash, and may be of older software: "
            "they can't be proven."
        )
    if verified.findings:
        typer.echo(_found(verified))
    elif not verified.sound:
        typer.echo("Nothing was found wrong with the others.")
    elif verified.events:
        typer.echo("All of them are as they were recorded.")


def _found(verified: Verified) -> str:
    return "1 finding." if verified.findings == 1 else f"{verified.findings} findings."


def _end(verified: Verified, all_hashed: bool) -> None:
    """End with the exit code that says what was found."""
    if verified.none_fits and not all_hashed:
        fail("No event fits its hash: is this the audit key that they were recorded with?")
    if verified.findings:
        raise typer.Exit(NOT_AS_RECORDED)
    if not verified.sound:
        raise typer.Exit(NOT_PROVEN)


def _counts(verified: Verified, all_hashed: bool) -> dict[str, int | bool]:
    return {
        "events": verified.events,
        "streams": verified.streams,
        "proven": verified.proven,
        "unchained": verified.unchained,
        "all_hashed": all_hashed,
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
