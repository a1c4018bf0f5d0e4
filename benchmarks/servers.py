"""The servers that are compared, each in a process of its own: echo, commands, whole."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Annotated

import uvicorn
import uvloop
from fastapi import Body, FastAPI
from pydantic import BaseModel

from bootstrap import logs
from bootstrap.background import running
from bootstrap.container import open_container
from bootstrap.serve import settle_down
from bootstrap.settings import Settings
from bootstrap.web import command_app, whole_app
from contracts.commands.sales import OrderItem
from contracts.values import Address


class EchoOrder(BaseModel):
    """The body of an order, as the command API takes it."""

    customer_id: str | None = None
    items: list[OrderItem]
    shipping_address: Address


def echo_app() -> FastAPI:
    """Validates the body of an order and gives it back: what FastAPI itself costs."""
    app = FastAPI()

    @app.post("/api/orders")
    async def echo(order: Annotated[EchoOrder, Body()]) -> EchoOrder:
        return order

    return app


async def _serve(app: FastAPI) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, http="httptools", lifespan="off", log_config=None, access_log=False
    )
    settle_down()  # for all of them alike
    await uvicorn.Server(config).serve(sockets=[listener])


async def main(kind: str, folder: Path) -> None:
    """Serve, after printing the port."""
    logs.configure(Settings(data=folder, log_level="warning"))
    if kind == "echo":
        await _serve(echo_app())
        return
    async with open_container(Settings(data=folder)) as container:
        if kind == "commands":
            await _serve(command_app(container))
            return
        async with running(container) as background:
            await background.projections.ready()
            await _serve(whole_app(container))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2])))
