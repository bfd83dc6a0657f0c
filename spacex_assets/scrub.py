"""Takes secrets out of texts that leave the process: log lines, alerts, what is kept of errors."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from spacex_assets.config import Settings

HIDDEN = "•••"
SHORTEST = 6
"""A shorter secret is no secret, and taking it out would take words to pieces."""

_CREDENTIALS = re.compile(r"(?<=://)[^/\s\"'<>]*@")
_NAMED = re.compile(r"(?i)\b((?:password|passwd|secret|token|api_?key|signature)=)[^\s&\"',;)]+")


class Scrubber:
    """Hides known secrets, the credentials of any URL, and values that are named like secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, long))) if long else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _NAMED.sub(rf"\1{HIDDEN}", _CREDENTIALS.sub("", text))


def scrubber(settings: Settings) -> Scrubber:
    """The scrubber that knows the secrets of these settings."""
    return Scrubber(_secrets(settings))


def _secrets(settings: Settings) -> Iterable[str]:
    for password in (settings.database_password, settings.dagster_database_password):
        if password is not None:
            yield from _spellings(password.get_secret_value().strip())
    urls = [settings.database_url, settings.dagster_database_url]
    for url in (settings.source, *(url.get_secret_value() for url in urls if url is not None)):
        if "@" in url:
            yield from _spellings(_password(url))
    for url in (destination.get_secret_value() for destination in settings.alerts.values()):
        yield from _spellings(_password(url))
        parts = urlsplit(url)
        if parts.scheme.endswith(("http", "https")):
            # Who knows the path of a webhook may post to it.
            yield from (parts.path, parts.path.rpartition("/")[2], parts.query)


def _password(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[0].partition(":")[2]


def _spellings(secret: str) -> Iterable[str]:
    from urllib.parse import unquote

    yield from (secret, unquote(secret), quote(unquote(secret), safe=""))
