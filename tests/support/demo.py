"""Serves the demo shop from a data folder, on any free port."""

from __future__ import annotations

import shlex
import sys
from datetime import timedelta
from pathlib import Path

from api.cli.demo_shop import CONFIRMED_VERSION, fill
from api.cli.demo_text import describe
from api.security.consistency import ConsistencyToken
from bootstrap.background import Background
from bootstrap.container import Container
from bootstrap.logs import configure
from bootstrap.serve import serve
from bootstrap.settings import Settings
from tests.support.cli import ROOT


async def prepare(container: Container, background: Background, base_url: str) -> None:
    shop = await fill(container.bus, container.events)
    await background.projections.ready()
    hour = timedelta(hours=1)
    tokens = {
        "customer": container.token(shop.customer_id, ("customer",), hour),
        "operator": container.token(shop.operator_id, ("operator",), hour),
        "auditor": container.token(shop.auditor_id, ("auditor",), hour),
    }
    confirmed = ConsistencyToken(container.store_identity, shop.order_stream, CONFIRMED_VERSION)
    data = shlex.quote(str(container.settings.data))
    text = describe(
        shop,
        base_url,
        tokens,
        consistency_token=container.consistency_tokens.encode(confirmed),
        program=f"cd {ROOT} && {sys.executable} -m tests.support.cli {data}",
    )
    print(text, flush=True)


if __name__ == "__main__":
    settings = Settings(_env_file=None, data=Path(sys.argv[1]), port=0)
    configure(settings)
    serve(settings, prepare)
