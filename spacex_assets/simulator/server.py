"""The simulator as a server on 127.0.0.1, with routes of its own to correct documents and to plan trouble.

``POST /simulator/edits`` ``{"endpoint", "id", "change"}``, ``DELETE /simulator/edits``, ``POST /simulator/faults``
(:class:`Fault`), ``DELETE /simulator/faults``.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from spacex_assets.simulator.content import Content, EditRefused
from spacex_assets.simulator.faults import Fault, Faults
from spacex_assets.simulator.protocol import respond

HOST = "127.0.0.1"
PIECE = 1 << 16


def application(content: Content, faults: Faults | None = None) -> Starlette:
    """The ASGI application."""
    trouble = faults or Faults()

    async def api(request: Request) -> Response:
        answer = await asyncio.to_thread(
            respond, content, request.method, request.url.path, dict(request.headers), await request.body()
        )
        parts = request.url.path.split("/")
        fault = trouble.next(parts[2] if len(parts) > 2 else "")
        if fault is None:
            return Response(answer.body, answer.status, answer.headers)
        return await _faulty(fault, Response(answer.body, answer.status, answer.headers))

    async def edits(request: Request) -> Response:
        if request.method == "DELETE":
            content.reset()
            return PlainTextResponse("OK")
        wanted: dict[str, Any] = await request.json()
        try:
            content.edit(wanted["endpoint"], wanted["id"], wanted["change"])
        except (EditRefused, KeyError) as error:
            return PlainTextResponse(str(error), 400)
        return PlainTextResponse("OK")

    async def plan(request: Request) -> Response:
        if request.method == "DELETE":
            trouble.clear()
            return PlainTextResponse("OK")
        try:
            trouble.add(Fault.model_validate_json(await request.body()))
        except ValidationError as error:
            return PlainTextResponse(str(error), 400)
        return PlainTextResponse("OK")

    return Starlette(
        routes=[
            Route("/simulator/edits", edits, methods=["POST", "DELETE"]),
            Route("/simulator/faults", plan, methods=["POST", "DELETE"]),
            Route("/{path:path}", api, methods=["GET", "POST"]),
        ]
    )


async def _faulty(fault: Fault, whole: Response) -> Response:
    await asyncio.sleep(fault.seconds)
    match fault.kind:
        case "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            return PlainTextResponse("trouble, as asked for", fault.status, headers)
        case "html":
            return Response("<!DOCTYPE html><title>A page of the gateway</title>", media_type="text/html")
        case "error":
            return Response('{"error":"trouble, as asked for"}', media_type="application/json")
        case "body":
            return Response(fault.body, media_type="application/json")
        case "slow":
            headers = {name: value for name, value in whole.headers.items() if name != "content-length"}
            return StreamingResponse(_dripping(bytes(whole.body), fault), whole.status_code, headers)
        case "reset" | "truncated":
            return _Broken(bytes(whole.body), whole.headers, fault.kind == "reset")


async def _dripping(body: bytes, fault: Fault) -> AsyncIterator[bytes]:
    rate = fault.bytes_per_second or PIECE
    for start in range(0, len(body), max(1, rate // 10)):
        yield body[start : start + max(1, rate // 10)]
        await asyncio.sleep(0.1)


class _Broken(Response):
    """Promises a whole body and closes the connection after half of it, or resets it before any of it."""

    def __init__(self, body: bytes, headers: Any, at_once: bool) -> None:
        super().__init__(body, 200, dict(headers))
        self.at_once = at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _Protocol.transports[scope["client"]]
        if self.at_once:
            linger_not = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
            transport.abort()
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        transport.close()


class _Protocol(H11Protocol):
    """Remembers the connections, so that one can be cut."""

    transports: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transports[transport.get_extra_info("peername")] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transports.pop(self.transport.get_extra_info("peername"), None)
        super().connection_lost(exc)


@dataclass(frozen=True)
class RunningSimulator:
    """A simulator that is serving, and the handles to change it."""

    url: str
    content: Content
    faults: Faults


@contextmanager
def running_simulator(content: Content) -> Iterator[RunningSimulator]:
    """Serves on a free port of 127.0.0.1 until the block ends."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        faults = Faults()
        server = _server(application(content, faults))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield RunningSimulator(f"http://{HOST}:{listener.getsockname()[1]}", content, faults)
        finally:
            server.should_exit = True
            thread.join(10)


def serve(content: Content, port: int) -> None:
    """Serves on 127.0.0.1 until interrupted."""
    _server(application(content), port=port).run()


def _server(app: Starlette, port: int = 0) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(app, host=HOST, port=port, http=_Protocol, log_level="critical", access_log=False)
    )
