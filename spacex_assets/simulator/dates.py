"""The dates of a launch, and the few launches whose dates disagree as they do in the source.

``date_utc`` is the truth; ``date_unix``, ``date_local`` and ``static_fire_date_unix`` may contradict it.
"""

from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from spacex_assets.simulator import eras
from spacex_assets.simulator.flights import Flight
from spacex_assets.simulator.identity import Nulls
from spacex_assets.simulator.plan import KWAJALEIN, LAST_PAST, VANDENBERG

UNIX_OFF = {7: -20 * 86_400, 70: -120}
WRONG_DAY = frozenset({3, 8, 20, 24})
WINTER_OFFSET = frozenset({62, 68})
UTC_CLOCK = frozenset({140})
STATIC_FIRE_OFF = {92: 540_000}
PACIFIC_WINTER = timezone(timedelta(hours=-8))

zone = cache(ZoneInfo)


def stamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds, as the source writes instants."""
    return f"{moment.isoformat()[:19]}.000Z"


def dates(flight: Flight) -> dict[str, Any]:
    """``date_utc``, ``date_unix``, ``date_local`` and ``date_precision``."""
    date, precision = flight.date, "hour" if flight.past else eras.PRECISIONS[flight.era]
    if precision != "hour":
        date = _filled(date, precision)
    return {
        "date_utc": stamp(date),
        "date_unix": int(date.timestamp()) + (UNIX_OFF.get(flight.era, 0) if flight.past else 0),
        "date_local": _local(flight, date).isoformat(timespec="seconds"),
        "date_precision": precision,
    }


def _filled(date: datetime, precision: str) -> datetime:
    """The beginning of its month or day, or of the next one if that was before the last past launch."""
    day = date.replace(hour=0, minute=0)
    begin = day.replace(day=1) if precision == "month" else day
    if begin > LAST_PAST:
        return begin
    return (begin + timedelta(days=31)).replace(day=1) if precision == "month" else begin + timedelta(days=1)


def static_fire(flight: Flight, nulls: Nulls) -> dict[str, Any]:
    """``static_fire_date_utc`` and ``static_fire_date_unix``."""
    if not flight.past or nulls.hit("static_fire", 0.353):
        return {"static_fire_date_utc": None, "static_fire_date_unix": None}
    moment = flight.date - timedelta(days=4, hours=flight.index % 9)
    off = STATIC_FIRE_OFF.get(flight.era, 0)
    return {"static_fire_date_utc": stamp(moment), "static_fire_date_unix": int(moment.timestamp()) + off}


def _local(flight: Flight, date: datetime) -> datetime:
    names = {KWAJALEIN: "Pacific/Kwajalein", VANDENBERG: "America/Los_Angeles"}
    local = date.astimezone(zone(names.get(flight.launchpad, "America/New_York")))
    if not flight.past:
        return local
    if flight.era in WRONG_DAY:
        return local + timedelta(days=1)
    if flight.era in WINTER_OFFSET:
        return local.replace(tzinfo=PACIFIC_WINTER)
    return date.replace(tzinfo=PACIFIC_WINTER) if flight.era in UTC_CLOCK else local
