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

from spacex_assets.config import without_credentials
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract import errors
from spacex_assets.extract.addresses import AddressRefused, GuardedAdapter
from spacex_assets.extract.attempt import ENCODINGS, Failed, chunks, raise_for_status, scrubbed
from spacex_assets.extract.deadline import Deadline
from spacex_assets.extract.pace import WAIT_CAP, Limits, TokenBucket, backoff, retry_after
from spacex_assets.extract.scan import scan
from spacex_assets.extract.snapshot import Batch

log = structlog.get_logger(__name__)

REDIRECTS = 3
NO_HEAD = "the head of an answer had not come"


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
                except Failed as failed:
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
                    raise Failed(errors.SourceRefused, "304, though nothing was asked conditionally", response)
                return Received(fetched_at, tag or etag)
            digest, size = hashlib.sha256(), 0
            decoder = codecs.getincrementaldecoder("utf-8")()
            with staged.open("wb", buffering=0) as file:
                for chunk in chunks(response, staged, deadline):
                    size += len(chunk)
                    if size > self.sizes.body:
                        larger = f"the body is larger than {self.sizes.body} bytes (SPACEX_BODY_LIMIT_MIB)"
                        raise Failed(errors.BodyTooLarge, larger, response, staged)
                    digest.update(chunk)
                    file.write(chunk)
                    try:
                        decoder.decode(chunk)
                    except UnicodeDecodeError as error:
                        raise Failed(errors.BodyUndecodable, f"not UTF-8: {error.reason}", response, staged) from error
            try:
                batches = scan(staged, single=endpoint.single, document_limit=self.sizes.document, until=deadline.at)
            except errors.ExtractError as error:
                raise Failed(type(error), str(error), response, staged) from error
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
            except ValueError as error:  # also of a Location, at which requests looks though it is not to follow it
                what = f"no URL that can be asked, or a redirect to no URL: {without_credentials(str(error))}"
                raise Failed(errors.SourceRefused, what) from error
            except requests.RequestException as error:
                if deadline.passed:
                    raise Failed(errors.TimeLimitExceeded, NO_HEAD) from error
                raise Failed(errors.SourceUnreachable, f"{type(error).__name__}: {_reason(error)}") from error
            except AddressRefused as error:
                raise Failed(errors.SourceRefused, str(error)) from error
            with response:
                if deadline.passed:  # a head that was cut looks like a short one
                    raise Failed(errors.TimeLimitExceeded, NO_HEAD, response)
                if not response.is_redirect:
                    raise_for_status(response)
                    yield response
                    return
                try:
                    target = requests.compat.urljoin(url, response.headers["Location"])
                    elsewhere = urlsplit(target)[:2] != urlsplit(url)[:2] and scrubbed(target)
                except ValueError as error:
                    raise Failed(errors.SourceRefused, f"a redirect to no URL: {error}", response) from error
                if elsewhere:
                    raise Failed(errors.SourceRefused, f"a redirect to another host: {elsewhere}", response)
                url = target
        raise Failed(errors.SourceRefused, f"more than {REDIRECTS} redirects")


def _wait_for_turn(seconds: float, deadline: Deadline) -> None:
    if seconds > deadline.left:
        raise Failed(errors.TimeLimitExceeded, f"waiting another {seconds:.1f} s for its turn would exceed it")
    if seconds > 0:
        time.sleep(seconds)


def _reason(error: BaseException) -> str:
    """What the error was at its root; the outer texts repeat the address, credentials included."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
