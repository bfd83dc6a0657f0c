"""What the source-change sensor remembers between its ticks, in its cursor: it spares work, and decides nothing alone.

Without it every look costs a whole body, a content that cannot be loaded is asked for and an endpoint that cannot be
looked at is logged at every tick; nothing else is lost. What does not belong here: what is loaded, which the ledger
alone knows.
"""

from datetime import UTC, datetime, timedelta

import structlog
from pydantic import BaseModel, ValidationError

from spacex_assets.extract.errors import ExtractError
from spacex_assets.extract.snapshot import Look

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""Between two requests of the same content, of which the first brought no load that stayed."""
LONGEST_OUTAGE_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)


class Repeat(BaseModel):
    """How often something was tried in vain, and from when it may be tried again."""

    times: int
    not_before: datetime


class Outage(Repeat):
    """A source that cannot be reached."""

    since: datetime
    error: str


class Memory(BaseModel):
    """What is known of ``source``: ``looks`` at its endpoints, kinds of ``troubles`` of those that cannot be looked at,
    contents ``asked`` for by endpoint, the endpoint to look at ``first``.
    """

    source: str
    looks: dict[str, Look] = {}
    troubles: dict[str, str] = {}
    asked: dict[str, dict[str, Repeat]] = {}
    outage: Outage | None = None
    first: str | None = None

    @classmethod
    def of(cls, cursor: str | None, source: str) -> "Memory":
        """The memory in a cursor; an empty one if it is of another source or cannot be read."""
        try:
            memory = cls.model_validate_json(cursor) if cursor else cls(source=source)
        except ValidationError as error:
            log.warning("a cursor that cannot be read is not used", error=str(error))
            return cls(source=source)
        return memory if memory.source == source else cls(source=source)

    def seen(self, endpoint: str, look: Look) -> None:
        """Remembers a look, and says so if the ones before failed."""
        self.looks[endpoint] = look
        if trouble := self.troubles.pop(endpoint, None):
            log.info("looks at the source succeed again", endpoint=endpoint, trouble=trouble)

    def failed(self, endpoint: str, error: ExtractError) -> None:
        """Remembers that a look failed, and says so unless the one before failed in the same way."""
        trouble = type(error).__name__
        if self.troubles.get(endpoint) != trouble:
            log.warning("a look at the source failed", endpoint=endpoint, error=str(error))
        self.troubles[endpoint] = trouble

    def may_ask(self, endpoint: str, sha256: str, now: datetime) -> bool:
        """Whether a content may be asked for: at once if it is new, ever more seldom if it comes back."""
        repeat = self.asked.get(endpoint, {}).get(sha256)
        return repeat is None or now >= repeat.not_before

    def ask(self, endpoint: str, sha256: str, now: datetime) -> None:
        """Remembers that a content was asked for, and forgets others for which the pause is long over."""
        contents = {
            content: repeat
            for content, repeat in self.asked.get(endpoint, {}).items()
            if now < repeat.not_before + FORGOTTEN_AFTER
        }
        times = contents[sha256].times + 1 if sha256 in contents else 1
        contents[sha256] = Repeat(times=times, not_before=now + pause(times, FIRST_PAUSE, LONGEST_PAUSE))
        self.asked[endpoint] = contents

    def unreachable(self, error: str, now: datetime, first_pause: timedelta) -> None:
        """Remembers that the source could not be reached."""
        times = self.outage.times + 1 if self.outage else 1
        since = self.outage.since if self.outage else now
        not_before = now + pause(times, first_pause, LONGEST_OUTAGE_PAUSE)
        self.outage = Outage(times=times, since=since, error=error, not_before=not_before)


def pause(times: int, first: timedelta, longest: timedelta) -> timedelta:
    """Twice as long each time."""
    factor: int = 2 ** min(times - 1, 20)
    return min(first * factor, longest)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)
