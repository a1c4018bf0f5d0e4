"""`orderlog token`: bearer tokens for whoever holds the signing key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import typer

from api.cli.application import Application, OpenApplication
from api.cli.running import run
from contracts.values import ROLES, Role

_LIFETIME = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=3650)


def add_token(cli: typer.Typer, open_application: OpenApplication) -> None:
    """Add `token`."""

    @cli.command(
        epilog="Examples:\n\norderlog token --role operator\n\n"
        "orderlog token --role customer --user 9f1c2d3e-0000-4000-8000-000000000001 --ttl 7d\n\n"
        "TOKEN=$(orderlog token --role auditor --role operator --ttl 15m)",
    )
    def token(
        roles: Annotated[
            list[str],
            typer.Option(
                "--role",
                metavar="ROLE",
                help=f"What the token allows: {', '.join(ROLES)}. Can be repeated.",
            ),
        ],
        user: Annotated[
            str | None, typer.Option(metavar="ID", help="Whose token; a new id without it.")
        ] = None,
        ttl: Annotated[str, typer.Option(help="How long it is good: 30s, 15m, 1h, 7d.")] = "1h",
    ) -> None:
        """Print a bearer token, alone on the last line."""
        allowed, lifetime = roles_of(roles), lifetime_of(ttl)
        user_id = str(uuid4()) if user is None else user.strip()
        if not user_id:
            raise typer.BadParameter("an id is not empty", param_hint="--user")

        async def work(application: Application) -> str:
            return application.token(user_id, allowed, lifetime)

        issued = run(open_application, work)
        typer.echo(f"For user {user_id} as {', '.join(allowed)}, good for {ttl}:", err=True)
        typer.echo(issued)


def roles_of(names: Sequence[str]) -> tuple[Role, ...]:
    """The roles of these names, each once.

    Raises:
        typer.BadParameter: there is no such role.
    """
    for name in names:
        if name not in ROLES:
            raise typer.BadParameter(
                f"{name!r} is no role; there are {', '.join(ROLES)}.", param_hint="--role"
            )
    return tuple(role for role in ROLES if role in names)


def lifetime_of(text: str) -> timedelta:
    """The time that a text such as 30s, 15m, 1h or 7d stands for.

    Raises:
        typer.BadParameter: it is none, or not within one second and ten years.
    """
    found = _LIFETIME.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter("write 30s, 15m, 1h or 7d", param_hint="--ttl")
    lifetime = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not timedelta(seconds=1) <= lifetime <= _LONGEST:
        raise typer.BadParameter("at least 1s, at most 3650d", param_hint="--ttl")
    return lifetime
