"""The API's protocol without a web stack: a request in, a response out.

What does not belong here: sockets (``server.py``, ``transport.py``) and misbehaviour (``faults.py``).
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.simulator.content import Content, NoDocuments
from spacex_assets.simulator.query import BadQuery, paginate
from spacex_assets.simulator.spool import ENCODE, Body, Document, ShortBody, Spool

MAX_AGE = {"company": 86400, "dragons": 86400, "rockets": 86400, "starlink": 3600, "launches": 20}
DEFAULT_MAX_AGE = 300
ROUTE = re.compile(r"^/(?P<version>v4|v5|latest)/(?P<endpoint>[a-z]+)(?:/(?P<rest>[^/]+))?/?$")
WITHOUT_QUERY = ("company",)
UPCOMING = {"past": False, "upcoming": True}
ENDS = {"latest": ("past", -1), "next": ("upcoming", 0)}
"""The one launch at an end of a list of launches."""


@dataclass(frozen=True)
class Response:
    """A status, headers and a body."""

    status: int
    body: Body = field(default_factory=lambda: ShortBody(b""))
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
    except NoDocuments as error:
        return _text(404, str(error))
    except BadQuery as error:
        return _text(400, str(error))
    if answer is None:
        return _text(404, "Not Found")
    standard = {
        "Content-Type": "application/json; charset=utf-8",
        "ETag": answer.etag,
        "Cache-Control": f"max-age={MAX_AGE.get(endpoint, DEFAULT_MAX_AGE)}",
        "spacex-api-cache": "MISS",
        "spacex-api-cache-online": "true",
        **({"X-SpaceX-Simulated": "true"} if content.simulated else {}),
    }
    if method == "GET" and _unchanged((headers or {}).get("if-none-match", ""), answer.etag):
        return Response(304, headers=standard)
    return Response(200, answer, standard)


def _answer(content: Content, method: str, endpoint: str, v4: bool, rest: str | None, body: bytes) -> Body | None:
    """The body; ``None`` for what is not there."""
    old_crew = v4 and endpoint == "launches"
    single = ENDPOINTS[endpoint].single
    if method == "POST" and rest == "query" and endpoint not in WITHOUT_QUERY:
        page = paginate(_documents(content, endpoint, old_crew), _request(body), lambda wanted: _find(content, wanted))
        return _encoded((page["docs"] or [None])[0] if single else page)
    if method != "GET":
        return None
    if rest is None:
        whole = _documents(content, endpoint, old_crew) if old_crew else content.body(endpoint)
        return whole if whole.size else None
    if endpoint == "launches" and rest in UPCOMING:
        return _documents(content, endpoint, old_crew, rest)
    if endpoint == "launches" and rest in ENDS:
        view, position = ENDS[rest]
        launches = _documents(content, endpoint, old_crew, view)
        return _encoded(launches[position]) if len(launches) else None
    found = None if single else _documents(content, endpoint, old_crew).find(rest)
    return None if found is None else _encoded(found)


def _documents(content: Content, endpoint: str, old_crew: bool, view: str | None = None) -> Spool:
    def seen(documents: Iterator[Document]) -> Iterator[Document]:
        for document in documents:
            if view is None or document["upcoming"] is UPCOMING[view]:
                yield _old_crew(document) if old_crew else document

    return content.spool(endpoint, f"{view or ''}{' of v4' if old_crew else ''}", seen)


def _find(content: Content, wanted: str) -> Document | None:
    """The document that an id refers to, whatever its endpoint."""
    for name in ENDPOINTS:
        with suppress(NoDocuments):
            if found := content.spool(name).find(wanted):
                return found
    return None


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


def _encoded(value: object) -> Body:
    return ShortBody(ENCODE(value).encode())


def _unchanged(header: str, tag: str) -> bool:
    tags = {one.strip().removeprefix("W/") for one in header.split(",")}
    return tag in tags or "*" in tags


def _text(status: int, text: str) -> Response:
    return Response(status, ShortBody(text.encode()), {"Content-Type": "text/plain; charset=utf-8"})
