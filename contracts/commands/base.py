"""The base of all commands."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    ),
    Field(examples=["9f1c2d3e-0000-4000-8000-000000000001"]),
]
"""A UUID in its canonical form, lower case."""

Sku = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
    Field(examples=["TEA-GREEN-100"]),
]
"""A stock keeping unit: letters, digits, dots, hyphens and underscores, at most 64."""


REVEAL = "reveal"


class Command(BaseModel):
    """What somebody asks for. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def command_name(cls) -> str:
        """How audits call it."""
        return cls.__name__

    def whole_body(self) -> bytes:
        """Name and body with secrets in clear: to be hashed with a key, never to be kept."""
        return f"{self.command_name()}\n{self.model_dump_json(context=REVEAL)}".encode()
