"""Who is told of incidents, and how a notice travels there: webhook, mail, log. Every step has a time-out.

What does not belong here: who is still to be told of what (``delivery.py``).
"""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit, urlunsplit

import structlog

from spacex_assets.automation.alerts.notices import Notice
from spacex_assets.errors import PlatformError

log = structlog.get_logger(__name__)

LOG = "log"
"""The destination that is always there."""


class NotDelivered(PlatformError):
    """A destination did not take a notice."""


class Destination(Protocol):
    """Someone who is told."""

    @property
    def channel(self) -> str:
        """What kind of destination it is."""

    def tell(self, notice: Notice, timeout: float) -> None:
        """Sends a notice, or raises; what it raises names no secret of the URL once it is scrubbed."""


@dataclass(frozen=True)
class Webhook:
    """A POST of JSON: the whole notice, or the text that Slack and its likes show."""

    url: str = field(repr=False)
    slack: bool

    @property
    def channel(self) -> str:
        """slack or webhook."""
        return "slack" if self.slack else "webhook"

    def tell(self, notice: Notice, timeout: float) -> None:
        """Posts it; redirects are refused, for the path is a secret."""
        import requests

        body = {"text": notice.text} if self.slack else notice.payload
        with requests.Session() as session:
            session.trust_env = False
            try:
                with session.post(self.url, json=body, timeout=timeout, allow_redirects=False, stream=True) as answer:
                    if not 200 <= answer.status_code < 300:
                        raise NotDelivered(f"expected a status of 2xx, found {answer.status_code}")
            except requests.RequestException as error:
                raise NotDelivered(f"{type(error).__name__}: {_root(error)}") from error


@dataclass(frozen=True)
class Mail:
    """A message over SMTP; ``security`` is smtp (none), smtp+starttls or smtps."""

    security: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    channel: str = "mail"

    def tell(self, notice: Notice, timeout: float) -> None:
        """Sends it to every recipient; one that is refused counts as none reached."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = notice.title, self.sender, ", ".join(self.recipients)
        message["Message-ID"] = make_msgid(domain="spacex-assets.invalid")
        message.set_content(notice.text)
        try:
            with self._server(timeout) as server:
                if self.user:
                    server.login(self.user, self.password)
                refused = server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotDelivered(f"{type(error).__name__}: {error}") from error
        if refused:
            raise NotDelivered(f"{self.host} refused {', '.join(refused)}")

    def _server(self, timeout: float) -> smtplib.SMTP:
        if self.security == "smtps":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=timeout, context=ssl.create_default_context())
        server = smtplib.SMTP(self.host, self.port, timeout=timeout)
        if self.security == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        return server


@dataclass(frozen=True)
class Log:
    """A line in the log."""

    channel: str = LOG

    def tell(self, notice: Notice, timeout: float) -> None:
        """Writes it: an error for what began, an info for what is over."""
        write = log.info if notice.over else log.error
        write(
            notice.title,
            kind=notice.kind.value,
            errors=[one.last_error for one in notice.incidents],
            runs=[one.run_id for one in notice.incidents if one.run_id],
            runbook=notice.runbook,
        )


def destination(name: str, url: str) -> Destination:
    """The destination at a URL. Raises :class:`ValueError`, which does not repeat the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{name}: not a URL") from error
    if name == LOG:
        raise ValueError(f"no destination can be called {LOG}; the log is told in any case")
    if make := _CHANNELS.get(parts.scheme):
        return make(name, parts, port)
    raise ValueError(f"{name}: expected one of {', '.join(f'{scheme}://' for scheme in _CHANNELS)}")


def _webhook(name: str, parts: SplitResult, _: int | None) -> Webhook:
    if not parts.hostname:
        raise ValueError(f"{name}: the URL has no host")
    slack = parts.scheme.startswith("slack+")
    return Webhook(urlunsplit(parts._replace(scheme=parts.scheme.removeprefix("slack+"))), slack)


def _mail(name: str, parts: SplitResult, port: int | None) -> Mail:
    asked = parse_qs(parts.query)
    if not parts.hostname or len(asked.get("from", [])) != 1 or not asked.get("to"):
        raise ValueError(f"{name}: expected {parts.scheme}://host:port?from=me@host&to=you@host, to as often as needed")
    return Mail(
        security=parts.scheme,
        host=parts.hostname,
        port=port or {"smtp": 25, "smtp+starttls": 587, "smtps": 465}[parts.scheme],
        sender=asked["from"][0],
        recipients=tuple(asked["to"]),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


_CHANNELS: dict[str, Callable[[str, SplitResult, int | None], Destination]] = {
    **dict.fromkeys(("https", "http", "slack+https", "slack+http"), _webhook),
    **dict.fromkeys(("smtp", "smtp+starttls", "smtps"), _mail),
}


def _root(error: BaseException) -> str:
    """What the error was at its root; the outer texts repeat the URL."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
