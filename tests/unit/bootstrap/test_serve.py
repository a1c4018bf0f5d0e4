from __future__ import annotations

from bootstrap.serve import server_config


async def test_callers_cannot_choose_the_address_they_are_counted_by():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client"])

    config = server_config(app)
    config.load()
    scope = {
        "type": "http",
        "client": ("127.0.0.1", 4711),
        "headers": [(b"x-forwarded-for", b"10.0.0.1")],
    }
    await config.loaded_app(scope, None, None)
    assert seen == [("127.0.0.1", 4711)]
