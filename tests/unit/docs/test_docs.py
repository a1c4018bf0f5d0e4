"""What the documents list is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from bootstrap.settings import Settings

ROOT = Path(__file__).parents[3]
PACKAGES = ("contracts", "write_side", "read_side", "api")
_CODE = re.compile(r'\bcode(?:: str)? ?= ?"([a-z]+(?:-[a-z]+)*)"')
_HTTP_CODE = re.compile(r'^ +4\d\d: \("([a-z-]+)", "', re.MULTILINE)
_AGGREGATE = re.compile(r'^    CATEGORY = "[a-z_]+"\n    NAME = "([a-z-]+)"', re.MULTILINE)
NEVER_ANSWERED = {"domain-error"}
"""The base class's own."""
NEVER_LOOKED_FOR = {"sku-mapping", "credential", "email-address", "session", "email"}
"""Aggregates that no request names: there is nothing to be not found."""


def _sources() -> str:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return "\n".join(file.read_text() for file in files)


def _first_column(document: str) -> set[str]:
    text = (ROOT / "docs" / document).read_text()
    return set(re.findall(r"^\| `([A-Za-z_-]+)` \|", text, re.MULTILINE))


def test_every_problem_that_can_be_answered_is_listed() -> None:
    sources = _sources()
    codes = set(_CODE.findall(sources)) | set(_HTTP_CODE.findall(sources)) | {"internal-error"}
    codes |= {f"{name}-not-found" for name in set(_AGGREGATE.findall(sources)) - NEVER_LOOKED_FOR}
    assert _first_column("problems.md") == codes - NEVER_ANSWERED


def test_every_setting_is_listed() -> None:
    names = {f"ORDERLOG_{name.upper()}" for name in Settings.model_fields}
    assert _first_column("settings.md") == names


def test_no_link_of_the_documents_leads_nowhere() -> None:
    missing = [
        (str(file.relative_to(ROOT)), target)
        for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text())
        if not (file.parent / target).exists()
    ]
    assert missing == []
