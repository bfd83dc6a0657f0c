"""The sensor that refreshes the launches the more often, the nearer one is.

A date that is exact to a day or a month is a span of days: a window that is narrower than the span tells nothing, and
is not used. What does not belong here: how launches are refreshed in quiet times (``schedules.py``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from spacex_assets.automation.jobs import EVERYTHING, busy_endpoints, run_request
from spacex_assets.automation.memory import now
from spacex_assets.automation.schedules import sensor_status
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.warehouse import Warehouse

LAUNCHES = "launches"
TICK_SECONDS = 30


@dataclass(frozen=True)
class Window:
    """Launches that are at most ``near`` are refreshed ``every`` so often."""

    near: timedelta
    every: timedelta


WINDOWS = (
    Window(near=timedelta(hours=1), every=timedelta(minutes=2)),
    Window(near=timedelta(hours=24), every=timedelta(minutes=10)),
    Window(near=timedelta(days=30), every=timedelta(minutes=30)),
)
"""The narrowest first; each is faster than the schedule of launches, whose runs count as well."""
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=30)}
"""How long a launch may take place after its date, by ``date_precision``; anything coarser is no date to wait for."""


@dataclass(frozen=True)
class Upcoming:
    """A launch that is to come, as far as the source says."""

    name: str
    date: datetime
    precision: str


def launch_approach_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor ``launch_approach``; its cursor is when it last asked for a run."""

    @dg.sensor(
        name="launch_approach",
        job_name=EVERYTHING,
        minimum_interval_seconds=TICK_SECONDS,
        default_status=sensor_status(settings),
        description="Refreshes launches "
        + ", ".join(f"every {_told(window.every)} if one is within {_told(window.near)}" for window in WINDOWS)
        + ".",
    )
    def launch_approach(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
        try:
            launches, attempt = upcoming(warehouse), warehouse.last_attempt(LAUNCHES)
        finally:
            warehouse.close()
        moment = now()
        launch, window = nearest(launches, moment)
        if launch is None or window is None:
            return dg.SensorResult(skip_reason=f"No launch is within {_told(WINDOWS[-1].near)}.")
        asked = datetime.fromisoformat(context.cursor) if context.cursor else None
        due = max(filter(None, (attempt, asked)), default=moment - window.every) + window.every
        what = f"{launch.name}, {launch.date:%Y-%m-%d %H:%M} UTC ({launch.precision}): every {_told(window.every)}"
        if moment < due:
            return dg.SensorResult(skip_reason=f"{what}, next at {due:%H:%M:%S} UTC.")
        if LAUNCHES in busy_endpoints(context.instance):
            return dg.SensorResult(skip_reason=f"{what}; a run of launches is queued or in progress.")
        return dg.SensorResult(run_requests=[run_request([LAUNCHES])], cursor=moment.isoformat())

    return launch_approach


def upcoming(warehouse: Warehouse) -> list[Upcoming]:
    """The launches that the source has as upcoming."""
    launches = ENDPOINTS[LAUNCHES].tables[0].c
    query = sa.select(launches.name, launches.date_utc, launches.date_precision).where(launches.upcoming)
    with warehouse.engine.connect() as connection:
        return [Upcoming(*row) for row in connection.execute(query)]


def nearest(launches: Iterable[Upcoming], moment: datetime) -> tuple[Upcoming | None, Window | None]:
    """The launch that is in the narrowest window, and the window; of several, the nearest."""
    in_windows = [
        (WINDOWS.index(window), distance(launch, moment), launch, window)
        for launch in launches
        if (window := window_of(launch, moment)) is not None
    ]
    if not in_windows:
        return None, None
    *_, launch, window = min(in_windows, key=lambda one: one[:2])
    return launch, window


def window_of(launch: Upcoming, moment: datetime) -> Window | None:
    """The narrowest window that a launch is in, and that its date is exact enough for."""
    if launch.precision not in SPANS:
        return None
    near = distance(launch, moment)
    usable = (window for window in WINDOWS if window.near >= SPANS[launch.precision])
    return next((window for window in usable if near <= window.near), None)


def distance(launch: Upcoming, moment: datetime) -> timedelta:
    """How far the moment is from the span in which a launch may take place; one that is overdue recedes again."""
    start, end = launch.date, launch.date + SPANS[launch.precision]
    return max(start - moment, moment - end, timedelta())


def _told(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    return next(
        f"{seconds // length} {unit}{'s' if seconds > length else ''}"
        for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
        if seconds >= length
    )
