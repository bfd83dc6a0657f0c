"""The schedules: each endpoint as often as it moves, and once a week everything compared by value.

What does not belong here: what is started when something happens (``source_change.py``, ``launch_approach.py``).
"""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg
from dagster._utils.schedules import is_valid_cron_string

from spacex_assets.automation.jobs import EVERYTHING, FULL_COMPARE, busy_endpoints, listed, run_request, unfinished_runs
from spacex_assets.config import Settings, SettingWrong
from spacex_assets.endpoints.registry import ENDPOINTS

_GROUPS = {
    "launches": {"launches"},
    "positions": {"starlink", "roadster"},
    "fleet": {"cores", "capsules", "ships", "payloads", "crew", "landpads", "launchpads"},
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    **{group: tuple(sorted(names)) for group, names in _GROUPS.items()},
    "reference": tuple(name for name in ENDPOINTS if not any(name in names for names in _GROUPS.values())),
}
"""The endpoints by how fast they move; one that is named in no other group is ``reference``."""
CRON: Mapping[str, str] = {
    "launches": "0 * * * *",
    "positions": "5 * * * *",
    "fleet": "10 */6 * * *",
    "reference": "20 4 * * *",
    FULL_COMPARE: "40 2 * * 0",
}
"""When each is refreshed, unless ``SPACEX_CRON`` says otherwise."""


def refresh_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """A schedule per group, and the weekly one. Raises :class:`SettingWrong` for a wrong cron or time zone."""
    cron = _checked(settings)
    return [
        *(_group_schedule(group, endpoints, cron[group], settings) for group, endpoints in GROUPS.items()),
        _full_compare_schedule(cron[FULL_COMPARE], settings),
    ]


def schedule_status(settings: Settings) -> dg.DefaultScheduleStatus:
    """On where the platform runs unattended; what is switched in the UI stays as it was switched."""
    return dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED


def sensor_status(settings: Settings) -> dg.DefaultSensorStatus:
    """The same for sensors."""
    return dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED


def _group_schedule(group: str, endpoints: tuple[str, ...], cron: str, settings: Settings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"refresh_{group}",
        job_name=EVERYTHING,
        cron_schedule=cron,
        execution_timezone=settings.time_zone,
        default_status=schedule_status(settings),
        description=f"Refreshes {listed(endpoints)}, but for those of which a run is queued or in progress.",
    )
    def refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        busy = busy_endpoints(context.instance).intersection(endpoints)
        if idle := [name for name in endpoints if name not in busy]:
            yield run_request(idle)
        else:
            yield dg.SkipReason(f"A run of {listed(busy)} is queued or in progress.")

    return refresh


def _full_compare_schedule(cron: str, settings: Settings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=FULL_COMPARE,
        job_name=FULL_COMPARE,
        cron_schedule=cron,
        execution_timezone=settings.time_zone,
        default_status=schedule_status(settings),
        description="Refreshes everything and compares every row and leaf by value; waits in the queue for its turn.",
    )
    def compare(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        if unfinished_runs(context.instance, FULL_COMPARE):
            yield dg.SkipReason("The run before is queued or in progress.")
        else:
            yield dg.RunRequest()

    return compare


def _checked(settings: Settings) -> Mapping[str, str]:
    if unknown := settings.cron.keys() - CRON.keys():
        raise SettingWrong(f"SPACEX_CRON: nothing is called {listed(unknown)}; there are {', '.join(CRON)}.")
    for name, cron in settings.cron.items():
        if not is_valid_cron_string(cron):
            raise SettingWrong(
                f"SPACEX_CRON.{name}: expected five fields such as {CRON[name]!r}, found {cron!r}. "
                f"Correct it, or leave it out for the default."
            )
    try:
        ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingWrong(
            f"SPACEX_TIME_ZONE: expected the name of a time zone such as Europe/Berlin, found {settings.time_zone!r}."
        ) from error
    return {**CRON, **settings.cron}
