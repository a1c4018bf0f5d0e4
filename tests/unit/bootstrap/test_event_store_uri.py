"""Which URIs of EventStoreDB are taken, and that a password is never shown."""

from __future__ import annotations

import pytest

from bootstrap.event_store_uri import checked_uri, shown_uri


@pytest.mark.parametrize(
    "uri",
    [
        "esdb://127.0.0.1:2113?Tls=false",
        "esdb://localhost",
        "esdb://[::1]:2113?Tls=false",
        "esdb://user:pass%40word@db.example.com:2113?TlsCaFile=/etc/ca.crt",
        "esdb://user:secret@one:2111,two:2112,three:2113",
        "esdb+discover://user:secret@cluster.example.com",
    ],
)
def test_one_that_can_be_dialled_is_taken(uri: str):
    assert checked_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "sqlite:x",
        "http://127.0.0.1:2113",
        "esdb://",
        "esdb://a,,b",
        "esdb://127.0.0.1:abc",
        "esdb://127.0.0.1:99999",
        "esdb://127.0.0.1:0",
        "esdb://user:se@cret@127.0.0.1:2113",
        "esdb://user:se/cret@127.0.0.1:2113",
    ],
)
def test_another_is_refused_and_nothing_of_it_repeated(uri: str):
    with pytest.raises(ValueError, match=r"URI") as refused:
        checked_uri(uri)
    assert "cret" not in str(refused.value)


def test_it_is_shown_without_its_password():
    assert (
        shown_uri("esdb://user:secret@one:1,two:2?Tls=true")
        == "esdb://user:***@one:1,two:2?Tls=true"
    )
    assert shown_uri("esdb://one:1") == "esdb://one:1"
