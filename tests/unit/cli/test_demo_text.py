"""The lines that a demo shop prints call the program on the same stores."""

from __future__ import annotations

from pathlib import Path

from api.cli.demo_text import this_program


def test_the_event_store_is_named_unless_that_would_show_a_password():
    data = Path("/shop")
    uri = "esdb://127.0.0.1:2113?Tls=false"
    assert this_program(data).startswith("ORDERLOG_DATA=/shop /")
    assert this_program(data, uri).startswith(f"ORDERLOG_EVENT_STORE='{uri}' ORDERLOG_DATA=/shop /")
    assert "secret" not in this_program(data, "esdb://shop:secret@db.example.com")
