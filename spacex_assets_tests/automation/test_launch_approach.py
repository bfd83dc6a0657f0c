"""How often launches are refreshed as one draws near, and how exact its date has to be for that."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import dagster as dg
import pytest

from spacex_assets.automation import launch_approach
from spacex_assets.automation.launch_approach import WINDOWS, Upcoming, launch_approach_sensor, nearest, window_of
from spacex_assets.automation.schedules import CRON
from spacex_assets_tests.automation.conftest import Unattended

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def every(precision: str, **before: float) -> timedelta | None:
    window = window_of(Upcoming("one", NOW + timedelta(**before), precision), NOW)
    return window.every if window else None


@pytest.mark.parametrize(
    ("precision", "before", "expected"),
    [
        ("hour", {"days": 31}, None),
        ("hour", {"days": 30}, timedelta(minutes=30)),
        ("hour", {"hours": 25}, timedelta(minutes=30)),
        ("hour", {"hours": 24}, timedelta(minutes=10)),
        ("hour", {"minutes": 61}, timedelta(minutes=10)),
        ("hour", {"minutes": 60}, timedelta(minutes=2)),
        ("hour", {"minutes": -119}, timedelta(minutes=2)),
        ("hour", {"hours": -3}, timedelta(minutes=10)),
        ("hour", {"days": -40}, None),
        ("day", {"minutes": 10}, timedelta(minutes=10)),
        ("day", {"hours": -20}, timedelta(minutes=10)),
        ("month", {"days": -20}, timedelta(minutes=30)),
        ("month", {"minutes": 10}, timedelta(minutes=30)),
        ("quarter", {"minutes": 10}, None),
        ("year", {"minutes": 10}, None),
        ("decade", {"minutes": 10}, None),
    ],
)
def test_a_launch_is_in_the_narrowest_window_that_its_date_is_exact_enough_for(
    precision: str, before: dict[str, float], expected: timedelta | None
) -> None:
    assert every(precision, **before) == expected


def test_each_window_refreshes_more_often_than_the_schedule_and_the_wider_ones() -> None:
    assert CRON["launches"] == "0 * * * *"
    often = [*(window.every for window in WINDOWS), timedelta(hours=1)]
    assert all(nearer <= farther / 2 for nearer, farther in pairwise(often))


def test_of_several_launches_the_one_in_the_narrowest_window_counts() -> None:
    far, near = Upcoming("far", NOW + timedelta(days=9), "hour"), Upcoming("near", NOW + timedelta(minutes=9), "hour")
    vague = Upcoming("vague", NOW, "year")
    launch, window = nearest([far, near, vague], NOW)
    assert launch is near
    assert window is not None and window.every == timedelta(minutes=2)
    assert nearest([vague], NOW) == (None, None)


def test_launches_are_asked_for_as_often_as_the_window_says(
    unattended: Unattended, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor, cursor, started = launch_approach_sensor(unattended.settings), None, datetime.now(UTC)

    def tick(later: timedelta) -> str:
        nonlocal cursor
        monkeypatch.setattr(launch_approach, "now", lambda: started + later)
        result: Any = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
        cursor = result.cursor or cursor
        if not result.run_requests:
            return str(result.skip_reason.skip_message)
        (request,) = result.run_requests
        return ", ".join(sorted({key.path[0] for key in request.asset_selection}))

    assert tick(timedelta()) == "No launch is within 30 days."
    assert unattended.load("launches").success
    soon = started + timedelta(minutes=40)
    unattended.rows(
        "UPDATE spacex.launches SET upcoming = true, name = 'Soon', date_precision = 'hour', "
        f"date_utc = '{soon.isoformat()}' WHERE id = (SELECT min(id) FROM spacex.launches)"
    )
    assert tick(timedelta(minutes=1)).startswith(f"Soon, {soon:%Y-%m-%d %H:%M} UTC (hour): every 2 minutes, next at")
    assert tick(timedelta(minutes=3)) == "raw, spacex, typed"
    assert "next at" in tick(timedelta(minutes=4))
    assert tick(timedelta(minutes=5)) == "raw, spacex, typed"
