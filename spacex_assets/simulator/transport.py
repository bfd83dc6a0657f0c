"""The simulator as a transport of requests: the default source speaks HTTP's words without a socket."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from spacex_assets.simulator.content import Content
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.protocol import respond


class SimulatorAdapter(BaseAdapter):
    """Answers a session's requests from a simulated fleet; mount it on a URL."""

    def __init__(self, seed: int, launches: int, edits: Path | None = None) -> None:
        super().__init__()
        self.content = Content(Fleet(seed, launches), edits)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The response, with its body still to be read."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = respond(self.content, request.method or "GET", urlsplit(request.url or "").path, headers, body)
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.headers["Content-Length"] = str(answer.body.size)
        response.url, response.request = request.url or "", request
        response.raw = HTTPResponse(answer.body.open(), answer.headers, answer.status, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is held."""
