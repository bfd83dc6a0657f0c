"""What a record promises of the values of a field beyond its type; no constraint holds it, the checks report it.

A promise that the source breaks is the source's word, so it is loaded and reported. What does not belong here: what
breaks a record, and how a promise is checked (``checks/``).
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Unique:
    """Marks a value that no two documents share; null is no value."""


UNIQUE = Unique()


@dataclass(frozen=True)
class Between:
    """Marks the range of a number or date, both ends included; ``None`` is no end, a timedelta counts from now."""

    low: float | date | timedelta | None
    high: float | date | timedelta | None


NOT_NEGATIVE = Between(0, None)
POSITIVE = Between(1, None)
LATITUDE = Between(-90, 90)
LONGITUDE = Between(-180, 180)
TURN = Between(0, 360)
HALF_TURN = Between(0, 180)
ECCENTRICITY = Between(0, 1)
PERCENT = Between(0, 100)
YEAR = Between(1900, 2100)
DATES = Between(date(2002, 1, 1), timedelta(days=3653))
"""From the company's foundation to ten years ahead."""
UTC_OFFSETS = Between(-12 * 60, 14 * 60)


@dataclass(frozen=True)
class Mirrors:
    """Marks references as the other direction of a link.

    ``table`` and ``column`` have the authoritative direction. ``among`` is a condition in SQL on the documents that
    this side refers to: only those that meet it have to be listed here.
    """

    table: str
    column: str
    among: str = "true"


FLOWN = "NOT upcoming"
"""The source derives what its documents list of launches from past ones."""
