"""One answer: its body as it comes, or what is said of the attempt that failed.

What does not belong here: how an answer is asked for, and whether another attempt is made (``client.py``).
"""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import DecodeError, HTTPError

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract import errors
from spacex_assets.extract.deadline import Deadline
from spacex_assets.extract.pace import Limits
from spacex_assets.extract.scan import start_of

CHUNK = 1 << 16
ENCODINGS = ("gzip", "deflate")
"""The compressions that are asked for; each is undone piece by piece."""
START, START_SECONDS = 800, 1.0
"""Bytes of a body that an error may show, and how long they are collected where the body is of no other use."""


def chunks(response: requests.Response, staged: Path, deadline: Deadline) -> Iterator[bytes]:
    """The body as it comes; the caller writes it to ``staged``, whose start an error shows. Raises :class:`Failed`."""
    expected = response.headers.get("Content-Length")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", *ENCODINGS):
        raise Failed(errors.SourceRefused, f"a compression that was not asked for: {encoding[:50]!r}", response)
    size = 0
    try:
        while (chunk := _arrived(response)) and not deadline.passed:
            size += len(chunk)
            yield chunk
    except DecodeError as error:
        raise Failed(errors.BodyUndecodable, f"not the compression it claims: {error}", response, staged) from error
    except (HTTPError, OSError) as error:
        if not deadline.passed:
            broke_off = f"the body broke off after {size} bytes: {error}"
            raise Failed(errors.BodyTruncated, broke_off, response, staged) from error
    if deadline.passed:  # a connection that was cut looks like the end of a body without a length
        raise Failed(errors.TimeLimitExceeded, f"{size} bytes of the body had come", response, staged)
    if (
        expected is not None
        and encoding == "identity"
        and {str(size)} != {length.strip() for length in expected.split(",")}
    ):
        raise Failed(errors.BodyTruncated, f"{size} bytes of {expected} came", response, staged)


def _arrived(response: requests.Response) -> bytes:
    """Whatever has come, without waiting for a full chunk, so that a dripping body is noticed."""
    data: bytes = response.raw.read1(CHUNK, decode_content=True)
    return data


class Failed(Exception):
    """One attempt that failed: with which error, and what is known of it."""

    def __init__(
        self,
        kind: type[errors.ExtractError],
        what: str,
        response: requests.Response | None = None,
        body: Path | None = None,
    ) -> None:
        super().__init__(what)
        self.kind, self.what = kind, what
        self.status = response.status_code if response is not None else None
        self.retry_after = response.headers.get("Retry-After") if response is not None else None
        self.start = ""
        if body is not None:
            with body.open("rb") as file:
                self.start = start_of(file.read(START))

    def end_in_time(self, what: str) -> None:
        """Turns it into the last one, as the time does not suffice for another attempt."""
        self.kind, self.what = errors.TimeLimitExceeded, f"{what}, after this: {self.what}"

    def error(self, endpoint: Endpoint, url: str, attempt: int, limits: Limits, seconds: float) -> errors.ExtractError:
        """The error to raise, or to log where another attempt follows."""
        what = self.what
        again = "Run again later" if self.kind.transient else "Trying again will not help; look at the source"
        if self.kind is errors.TimeLimitExceeded:
            what = f"did not end within {limits.total:g} s: {what}"
            again = "If the source is slow but sound, raise SPACEX_ENDPOINT_TIME_LIMIT"
        status = f", status {self.status}" if self.status else ""
        start = f" The body begins: {self.start!r}." if self.start else ""
        return self.kind(
            f"{endpoint.name}: GET {scrubbed(url)}: {what}{status}, attempt {attempt} of {limits.attempts} "
            f"after {seconds:.1f} s.{start} Nothing was published. {again}."
        )


def raise_for_status(response: requests.Response) -> None:
    """Raises :class:`Failed` unless the status is 200 or 304."""
    status = response.status_code
    if status in (requests.codes.ok, requests.codes.not_modified):
        return
    if status == requests.codes.too_many_requests:
        kind: type[errors.ExtractError] = errors.SourceOverloaded
    elif status >= 500:
        kind = errors.SourceFailing
    else:
        kind = errors.SourceRefused
    failed = Failed(kind, "the source answered with an error", response)
    failed.start = _start(response)
    raise failed


def _start(response: requests.Response) -> str:
    """The start of a body that is only shown, as far as it comes soon."""
    body, until = b"", time.monotonic() + START_SECONDS
    try:
        while len(body) < START and time.monotonic() < until and (piece := _arrived(response)):
            body += piece
    except (HTTPError, OSError) as error:
        return start_of(body) if body else f"(unreadable: {error})"
    return start_of(body)


def scrubbed(url: str) -> str:
    """The URL without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
