"""How fast the source is asked, and how long to wait before asking again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

WAIT_FLOOR = 0.5
"""Seconds; also against a `Retry-After: 0` that would make a hot loop."""
WAIT_CAP = 30.0
"""Seconds; whatever is asked for, nothing is waited for any longer."""


@dataclass(frozen=True)
class Limits:
    """Attempts per request; seconds to connect, without a byte, for a whole endpoint, before the second attempt."""

    attempts: int = 3
    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    backoff: float = 1.0


@dataclass
class TokenBucket:
    """At most ``burst`` requests at once and ``rate`` a second in the long run."""

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    tokens: float = field(init=False)
    filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.filled_at = float(self.burst), self.clock()

    def take(self) -> float:
        """Takes a token; the seconds to wait before it may be used."""
        now = self.clock()
        self.tokens = min(float(self.burst), self.tokens + (now - self.filled_at) * self.rate) - 1
        self.filled_at = now
        return max(0.0, -self.tokens / self.rate)


def backoff(attempt: int, base: float) -> float:
    """Seconds to wait after the attempt (from 1): exponential, with full jitter above half, up to the cap."""
    ceiling = min(WAIT_CAP, base * 2 ** (attempt - 1))
    return random.uniform(ceiling / 2, ceiling)


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` asks for, in either of its forms, at least the floor.

    ``None`` if it is absent or unreadable. The cap is the caller's, who may not have the time to wait for so long.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return max(WAIT_FLOOR, float(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # numbers that no date, and no offset, can have
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(WAIT_FLOOR, (moment - (now or datetime.now(UTC))).total_seconds())
