"""The HTTP client: one keep-alive session, a polite pace, a few attempts, one time limit per endpoint.

It brings a body into a staging file, complete and checked. What does not belong here: what the body is compared with
and where it ends up (``http.py``).
"""

import codecs
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import requests
import structlog
from urllib3.exceptions import DecodeError, HTTPError

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract import errors
from spacex_assets.extract.addresses import AddressRefused, GuardedAdapter
from spacex_assets.extract.deadline import Deadline
from spacex_assets.extract.pace import WAIT_CAP, Limits, TokenBucket, backoff, retry_after
from spacex_assets.extract.scan import scan, start_of
from spacex_assets.extract.snapshot import Batch

log = structlog.get_logger(__name__)

CHUNK = 1 << 16
ENCODINGS = ("gzip", "deflate")
"""The compressions that are asked for; each is undone piece by piece."""
REDIRECTS = 3
NO_HEAD = "the head of an answer had not come"
START, START_SECONDS = 800, 1.0
"""Bytes of a body that an error may show, and how long they are collected where the body is of no other use."""


@dataclass(frozen=True)
class Received:
    """A complete and checked body in a staging file, or the word that it has not changed (``path`` is ``None``)."""

    fetched_at: datetime
    etag: str | None
    path: Path | None = None
    sha256: str = ""
    size: int = 0
    batches: tuple[Batch, ...] = ()
    simulated: bool = False


@dataclass(frozen=True)
class Sizes:
    """The bytes that a body, decompressed, and a document in it may have."""

    body: int
    document: int


class Client:
    """Fetches bodies; the only place in the platform that repeats a request."""

    def __init__(self, limits: Limits, bucket: TokenBucket, sizes: Sizes) -> None:
        self.limits, self.bucket, self.sizes = limits, bucket, sizes
        self.session = requests.Session()
        self.session.headers["User-Agent"] = f"spacex-assets/{version('spacex-assets')} (data platform)"
        self.session.headers["Accept-Encoding"] = ", ".join(ENCODINGS)
        self.session.trust_env = False
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, GuardedAdapter())

    def close(self) -> None:
        """Closes the connections."""
        self.session.close()

    def fetch(self, endpoint: Endpoint, url: str, staged: Path, etag: str | None = None) -> Received:
        """The body at ``url``, written to ``staged``; ``etag`` makes the request conditional.

        Raises the last attempt's :class:`ExtractError`.
        """
        began = time.monotonic()
        attempt = 0
        with Deadline(self.limits.total) as deadline:
            while True:
                attempt += 1
                try:
                    _wait_for_turn(self.bucket.take(), deadline)
                    return self._attempt(endpoint, url, staged, etag, deadline)
                except _Failed as failed:
                    asked = retry_after(failed.retry_after)
                    wait = backoff(attempt, self.limits.backoff) if asked is None else asked
                    last = attempt == self.limits.attempts
                    if failed.kind.transient and not last and wait > deadline.left:
                        failed.end_in_time(f"waiting another {wait:.1f} s would exceed it")
                    error = failed.error(endpoint, url, attempt, self.limits, time.monotonic() - began)
                    if last or not error.transient:
                        raise error from failed
                    wait = min(wait, WAIT_CAP)
                    log.warning("a request failed", request=attempt, wait_seconds=round(wait, 1), error=str(error))
                    time.sleep(wait)

    def _attempt(self, endpoint: Endpoint, url: str, staged: Path, etag: str | None, deadline: Deadline) -> Received:
        fetched_at = datetime.now(UTC)
        with self._response(url, etag, deadline) as response:
            tag = response.headers.get("ETag")
            if response.status_code == requests.codes.not_modified:
                if etag is None:
                    raise _Failed(errors.SourceRefused, "304, though nothing was asked conditionally", response)
                return Received(fetched_at, tag or etag)
            digest, size = hashlib.sha256(), 0
            decoder = codecs.getincrementaldecoder("utf-8")()
            with staged.open("wb", buffering=0) as file:
                for chunk in _chunks(response, staged, deadline):
                    size += len(chunk)
                    if size > self.sizes.body:
                        larger = f"the body is larger than {self.sizes.body} bytes (SPACEX_BODY_LIMIT_MIB)"
                        raise _Failed(errors.BodyTooLarge, larger, response, staged)
                    digest.update(chunk)
                    file.write(chunk)
                    try:
                        decoder.decode(chunk)
                    except UnicodeDecodeError as error:
                        raise _Failed(errors.BodyUndecodable, f"not UTF-8: {error.reason}", response, staged) from error
            try:
                batches = scan(staged, single=endpoint.single, document_limit=self.sizes.document)
            except errors.ExtractError as error:
                raise _Failed(type(error), str(error), response, staged) from error
            simulated = response.headers.get("X-SpaceX-Simulated") == "true"
            return Received(fetched_at, tag, staged, digest.hexdigest(), size, batches, simulated)

    @contextmanager
    def _response(self, url: str, etag: str | None, deadline: Deadline) -> Iterator[requests.Response]:
        """An answer with status 200 or 304; redirects within the host are followed."""
        headers = {"Accept": "application/json", **({"If-None-Match": etag} if etag else {})}
        for _ in range(REDIRECTS + 1):
            remaining = max(0.1, deadline.left)
            try:
                response = self.session.get(
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(min(self.limits.connect, remaining), min(self.limits.read, remaining)),
                )
            except requests.RequestException as error:
                if deadline.passed:
                    raise _Failed(errors.TimeLimitExceeded, NO_HEAD) from error
                raise _Failed(errors.SourceUnreachable, f"{type(error).__name__}: {_reason(error)}") from error
            except AddressRefused as error:
                raise _Failed(errors.SourceRefused, str(error)) from error
            except ValueError as error:  # requests looks at the Location even though it is not to follow it
                raise _Failed(errors.SourceRefused, f"a redirect to no URL: {error}") from error
            with response:
                if deadline.passed:  # a head that was cut looks like a short one
                    raise _Failed(errors.TimeLimitExceeded, NO_HEAD, response)
                if not response.is_redirect:
                    _raise_for_status(response)
                    yield response
                    return
                try:
                    target = requests.compat.urljoin(url, response.headers["Location"])
                    elsewhere = urlsplit(target)[:2] != urlsplit(url)[:2] and scrubbed(target)
                except ValueError as error:
                    raise _Failed(errors.SourceRefused, f"a redirect to no URL: {error}", response) from error
                if elsewhere:
                    raise _Failed(errors.SourceRefused, f"a redirect to another host: {elsewhere}", response)
                url = target
        raise _Failed(errors.SourceRefused, f"more than {REDIRECTS} redirects")


def _wait_for_turn(seconds: float, deadline: Deadline) -> None:
    if seconds > deadline.left:
        raise _Failed(errors.TimeLimitExceeded, f"waiting another {seconds:.1f} s for its turn would exceed it")
    if seconds > 0:
        time.sleep(seconds)


def _chunks(response: requests.Response, staged: Path, deadline: Deadline) -> Iterator[bytes]:
    """The body as it comes; the caller writes it to ``staged``, whose start an error shows."""
    expected = response.headers.get("Content-Length")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", *ENCODINGS):
        raise _Failed(errors.SourceRefused, f"a compression that was not asked for: {encoding[:50]!r}", response)
    size = 0
    try:
        while (chunk := _arrived(response)) and not deadline.passed:
            size += len(chunk)
            yield chunk
    except DecodeError as error:
        raise _Failed(errors.BodyUndecodable, f"not the compression it claims: {error}", response, staged) from error
    except (HTTPError, OSError) as error:
        if not deadline.passed:
            broke_off = f"the body broke off after {size} bytes: {error}"
            raise _Failed(errors.BodyTruncated, broke_off, response, staged) from error
    if deadline.passed:  # a connection that was cut looks like the end of a body without a length
        raise _Failed(errors.TimeLimitExceeded, f"{size} bytes of the body had come", response, staged)
    if (
        expected is not None
        and encoding == "identity"
        and {str(size)} != {length.strip() for length in expected.split(",")}
    ):
        raise _Failed(errors.BodyTruncated, f"{size} bytes of {expected} came", response, staged)


def _arrived(response: requests.Response) -> bytes:
    """Whatever has come, without waiting for a full chunk, so that a dripping body is noticed."""
    data: bytes = response.raw.read1(CHUNK, decode_content=True)
    return data


class _Failed(Exception):
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


def _raise_for_status(response: requests.Response) -> None:
    status = response.status_code
    if status in (requests.codes.ok, requests.codes.not_modified):
        return
    if status == requests.codes.too_many_requests:
        kind: type[errors.ExtractError] = errors.SourceOverloaded
    elif status >= 500:
        kind = errors.SourceFailing
    else:
        kind = errors.SourceRefused
    failed = _Failed(kind, "the source answered with an error", response)
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


def _reason(error: BaseException) -> str:
    """What the error was at its root; the outer texts repeat the address, credentials included."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__


def scrubbed(url: str) -> str:
    """The URL without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
