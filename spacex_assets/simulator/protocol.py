"""The API's protocol without a web stack: a request in, a response out.

What does not belong here: sockets (``server.py``, ``transport.py``) and misbehaviour (``faults.py``).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.simulator.content import Content, etag
from spacex_assets.simulator.query import BadQuery, paginate

Document = dict[str, Any]
MAX_AGE = {"company": 86400, "dragons": 86400, "rockets": 86400, "starlink": 3600, "launches": 20}
DEFAULT_MAX_AGE = 300
ROUTE = re.compile(r"^/(?P<version>v4|v5|latest)/(?P<endpoint>[a-z]+)(?:/(?P<rest>[^/]+))?/?$")
WITHOUT_QUERY = ("company",)
VIEWS: Mapping[str, Callable[[list[Document]], Any]] = {
    "past": lambda launches: [launch for launch in launches if not launch["upcoming"]],
    "upcoming": lambda launches: [launch for launch in launches if launch["upcoming"]],
    "latest": lambda launches: [launch for launch in launches if not launch["upcoming"]][-1],
    "next": lambda launches: next(launch for launch in launches if launch["upcoming"]),
}


@dataclass(frozen=True)
class Response:
    """A status, headers and a whole body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def respond(
    content: Content, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Response:
    """The answer of the API; header names of the request are in lower case."""
    if method == "GET" and path == "/v4/admin/health":
        return _text(200, "OK")
    route = ROUTE.match(path)
    endpoint = route["endpoint"] if route else ""
    if route is None or endpoint not in ENDPOINTS or (route["version"] == "v5" and endpoint != "launches"):
        return _text(404, "Not Found")
    try:
        answer = _answer(content, method, endpoint, route["version"] == "v4", route["rest"], body)
    except FileNotFoundError:
        return _text(404, "Not Found")
    except BadQuery as error:
        return _text(400, str(error))
    if answer is None:
        return _text(404, "Not Found")
    data, tag = answer
    standard = {
        "Content-Type": "application/json; charset=utf-8",
        "ETag": tag,
        "Cache-Control": f"max-age={MAX_AGE.get(endpoint, DEFAULT_MAX_AGE)}",
        "spacex-api-cache": "MISS",
        "spacex-api-cache-online": "true",
        **({"X-SpaceX-Simulated": "true"} if content.simulated else {}),
    }
    if method == "GET" and _unchanged((headers or {}).get("if-none-match", ""), tag):
        return Response(304, b"", standard)
    return Response(200, data, standard)


def _answer(
    content: Content, method: str, endpoint: str, v4: bool, rest: str | None, body: bytes
) -> tuple[bytes, str] | None:
    """The body and its ETag; ``None`` for what is not there."""
    old_crew = v4 and endpoint == "launches"
    documents: Callable[[], Iterator[Document]] = (
        (lambda: map(_old_crew, content.documents(endpoint))) if old_crew else (lambda: content.documents(endpoint))
    )
    single = ENDPOINTS[endpoint].single
    if method == "POST" and rest == "query" and endpoint not in WITHOUT_QUERY:
        page = paginate(documents(), _request(body), _Everything(content).get)
        return _encoded((page["docs"] or [None])[0] if single else page)
    if method != "GET":
        return None
    if rest is None:
        return _encoded(list(documents())) if old_crew else content.body(endpoint)
    if endpoint == "launches" and rest in VIEWS:
        return _encoded(VIEWS[rest](list(documents())))
    found = None if single else next((d for d in documents() if d["id"] == rest), None)
    return None if found is None else _encoded(found)


def _request(body: bytes) -> Document:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError as error:
        raise BadQuery(f"invalid JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise BadQuery("the body has to be an object")
    return parsed


def _old_crew(launch: Document) -> Document:
    return {**launch, "crew": [member["crew"] for member in launch["crew"]]}


@dataclass
class _Everything:
    """The documents of all endpoints by id, made when the first is asked for."""

    content: Content

    def get(self, wanted: str) -> Document | None:
        return self._by_id.get(wanted)

    @cached_property
    def _by_id(self) -> dict[str, Document]:
        return {document["id"]: document for name in ENDPOINTS for document in self.content.documents(name)}


def _encoded(value: object) -> tuple[bytes, str]:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return data, etag(data)


def _unchanged(header: str, tag: str) -> bool:
    tags = {one.strip().removeprefix("W/") for one in header.split(",")}
    return tag in tags or "*" in tags


def _text(status: int, text: str) -> Response:
    return Response(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
