from datetime import timedelta

import pytest
import typer

from api.cli.tokens import lifetime_of, roles_of


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_lifetime_is_a_number_and_a_unit(text: str, lifetime: timedelta) -> None:
    assert lifetime_of(text) == lifetime


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0s", "-1h", "1w", "1.5h", "99999d", "9" * 30 + "d"]
)
def test_what_is_no_lifetime_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        lifetime_of(text)


def test_roles_are_known_and_each_counts_once() -> None:
    assert roles_of(["auditor", "operator", "auditor"]) == ("operator", "auditor")
    with pytest.raises(typer.BadParameter, match="emperor"):
        roles_of(["emperor"])
