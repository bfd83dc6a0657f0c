"""The simulator as a server, with routes of its own to correct documents and to plan trouble.

``/simulator/edits`` and ``/simulator/faults``: ``GET`` shows what is in force, ``POST`` adds (:class:`Edit`,
:class:`Fault`), ``DELETE`` ends it all; each answers with what is then in force.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import uvicorn
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from spacex_assets.errors import PlatformError
from spacex_assets.simulator.content import Content, EditRefused, NoDocuments
from spacex_assets.simulator.faults import Fault, Faults
from spacex_assets.simulator.protocol import Response as Answer
from spacex_assets.simulator.protocol import respond
from spacex_assets.simulator.spool import PIECE, Body

HOST = "127.0.0.1"
SLOW = 1 << 16
"""Bytes a second of a slow body, unless its fault says otherwise."""


class PortTaken(PlatformError):
    """Somebody else listens on the port."""


class Edit(BaseModel):
    """A correction: fields of a document by path, or ``None`` to delete it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    id: str
    change: dict[str, JsonValue] | None


def application(content: Content, faults: Faults | None = None) -> Starlette:
    """The ASGI application. A fault falls on a whole body, also where the client has it already."""
    trouble = faults or Faults()

    async def api(request: Request) -> Response:
        parts = request.url.path.split("/")
        fault = trouble.next(parts[2] if len(parts) > 2 else "")
        headers = {} if fault else dict(request.headers)
        answer = await asyncio.to_thread(
            respond, content, request.method, request.url.path, headers, await request.body()
        )
        return _whole(answer) if fault is None else await _faulty(fault, answer)

    async def edits(request: Request) -> Response:
        if request.method == "DELETE":
            await asyncio.to_thread(content.reset)
        elif request.method == "POST":
            try:
                edit = Edit.model_validate_json(await request.body())
                await asyncio.to_thread(content.edit, edit.endpoint, edit.id, edit.change)
            except (EditRefused, NoDocuments, ValidationError) as error:
                return PlainTextResponse(str(error), 400)
        return JSONResponse(content.edits)

    async def plan(request: Request) -> Response:
        if request.method == "DELETE":
            trouble.clear()
        elif request.method == "POST":
            try:
                trouble.add(Fault.model_validate_json(await request.body()))
            except ValidationError as error:
                return PlainTextResponse(str(error), 400)
        return JSONResponse([fault.model_dump() for fault in trouble.planned])

    return Starlette(
        routes=[
            Route("/simulator/edits", edits, methods=["GET", "POST", "DELETE"]),
            Route("/simulator/faults", plan, methods=["GET", "POST", "DELETE"]),
            Route("/{path:path}", api, methods=["GET", "POST"]),
        ]
    )


def _whole(answer: Answer) -> Response:
    if not answer.body.size:
        return Response(None, answer.status, answer.headers)
    headers = {**answer.headers, "Content-Length": str(answer.body.size)}
    return StreamingResponse(_pieces(answer.body, answer.body.size), answer.status, headers)


async def _faulty(fault: Fault, answer: Answer) -> Response:
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
            return StreamingResponse(_dripping(answer.body, fault), answer.status, answer.headers)
        case "reset" | "truncated":
            return _Broken(answer, fault.kind == "reset")


def _pieces(body: Body, size: int) -> Iterator[bytes]:
    reader = body.open()
    while size and (piece := reader.read(min(size, PIECE))):
        size -= len(piece)
        yield piece


async def _dripping(body: Body, fault: Fault) -> AsyncIterator[bytes]:
    reader, rate = body.open(), max(1, (fault.bytes_per_second or SLOW) // 10)
    while piece := reader.read(rate):
        yield piece
        await asyncio.sleep(0.1)


class _Broken(StreamingResponse):
    """Promises a whole body and closes the connection after half of it, or resets it before any of it."""

    def __init__(self, answer: Answer, at_once: bool) -> None:
        half = _pieces(answer.body, answer.body.size // 2)
        super().__init__(half, 200, {**answer.headers, "Content-Length": str(answer.body.size)})
        self.at_once = at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _Protocol.transports[scope["client"]]
        if self.at_once:
            linger_not = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
            transport.abort()
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for piece in self.body_iterator:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
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
    with listening(0) as listener:
        faults = Faults()
        server = _server(application(content, faults))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield RunningSimulator(f"http://{HOST}:{listener.getsockname()[1]}", content, faults)
        finally:
            server.should_exit = True
            thread.join(10)


def listening(port: int, host: str = HOST) -> socket.socket:
    """A socket that listens; port 0: any that is free. Raises :class:`PortTaken`."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise PortTaken(
            f"Expected to listen on {host}:{port}, found: {error.strerror}. Give another one with --port."
        ) from error


def serve(content: Content, listener: socket.socket) -> None:
    """Serves until interrupted."""
    _server(application(content)).run(sockets=[listener])


def _server(app: Starlette) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, http=_Protocol, log_level="critical", access_log=False))
