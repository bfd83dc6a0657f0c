"""When the schedules refresh what, and when they do not."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import dagster._daemon
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from spacex_assets.assets.tables import FULL_COMPARE_TAG
from spacex_assets.automation.jobs import EVERYTHING, FULL_COMPARE, listed, refresh_jobs, run_request
from spacex_assets.automation.schedules import CRON, GROUPS, refresh_schedules
from spacex_assets.config import Settings, SettingWrong
from spacex_assets.definitions import build_defs
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.local import MODULE
from spacex_assets_tests.automation.conftest import Unattended

TEN_TO_SEVEN = datetime.now(UTC).replace(hour=6, minute=50, second=0, microsecond=0)


def test_every_endpoint_is_in_one_group_and_has_a_job() -> None:
    assert Counter(name for names in GROUPS.values() for name in names) == Counter(list(ENDPOINTS))
    assert GROUPS["reference"] == ("company", "dragons", "history", "rockets")
    jobs = {job.name: job for job in refresh_jobs()}
    assert jobs.keys() == {EVERYTHING, FULL_COMPARE, *ENDPOINTS}
    assert [name for name, job in jobs.items() if job.tags.get(FULL_COMPARE_TAG) == "true"] == [FULL_COMPARE]


def test_the_job_of_an_endpoint_has_all_that_follows_from_it_and_nothing_else() -> None:
    job = build_defs(Settings()).get_repository_def().get_job("dragons")
    assert {node.name for node in job.nodes} == {
        *("raw__dragons", "typed_dragons", "guard_dragons", "spacex_dragons", "check_dragons")
    }
    assert {node.definition.pool for node in job.nodes} == {"dragons"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"cron": {"fleet": "every day"}}, "SPACEX_CRON.fleet: expected five fields such as '10 */6 * * *', found"),
        ({"cron": {"fleets": "0 * * * *"}}, "SPACEX_CRON: nothing is called fleets; there are launches, positions"),
        ({"time_zone": "Mars/Base"}, "SPACEX_TIME_ZONE: expected the name of a time zone such as Europe/Berlin"),
        ({"time_zone": "../zone"}, "SPACEX_TIME_ZONE"),
    ],
)
def test_a_wrong_cron_or_time_zone_is_named(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingWrong, match=words.replace("*", r"\*")):
        build_defs(Settings(**setting))


def test_cron_time_zone_and_whether_it_is_on_come_from_the_settings() -> None:
    def told(settings: Settings) -> dict[str, tuple[Any, Any, bool]]:
        on = dg.DefaultScheduleStatus.RUNNING
        return {
            schedule.name: (schedule.cron_schedule, schedule.execution_timezone, schedule.default_status is on)
            for schedule in refresh_schedules(settings)
        }

    assert told(Settings())["refresh_fleet"] == (CRON["fleet"], "UTC", False)
    changed = told(Settings(cron={"fleet": "0 3 * * *"}, time_zone="Europe/Berlin", automation=True))
    assert changed["refresh_fleet"] == ("0 3 * * *", "Europe/Berlin", True)
    assert changed[FULL_COMPARE] == (CRON[FULL_COMPARE], "Europe/Berlin", True)


@pytest.mark.parametrize(("automation", "status"), [(True, "RUNNING"), (False, "STOPPED")])
def test_every_schedule_and_sensor_is_on_or_off_by_one_setting(automation: bool, status: str) -> None:
    definitions = build_defs(Settings(automation=automation))
    switched: list[Any] = [*(definitions.schedules or ()), *(definitions.sensors or ())]
    started = {one.name: one.default_status.value for one in switched}
    assert len(started) == len(CRON) + 1 + 3
    assert {name for name, found in started.items() if found != status} == set()


@pytest.fixture
def workspace(unattended: Unattended, instance: dg.DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    target = ModuleTarget(MODULE, None, None, None)  # type: ignore[call-arg]
    with WorkspaceProcessContext(instance, target) as context:
        yield context


def test_a_daemon_that_is_late_launches_one_run_and_none_while_it_waits(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    for hours in (0, 12, 13):
        moment = TEN_TO_SEVEN + timedelta(hours=hours)
        iteration = launch_scheduled_runs(workspace, logging.getLogger("test"), moment, {}, max_catchup_runs=1)
        assert not [error for error in iteration if error]
    runs = Counter(run.tags["dagster/schedule_name"] for run in instance.get_runs())
    assert runs == {"refresh_launches": 1, "refresh_positions": 1, "refresh_fleet": 1}
    (state,) = [state for state in instance.all_instigator_state() if state.instigator_name == "refresh_launches"]
    after, late = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    assert len(late.run_ids) == 1
    assert after.skip_reason == "A run of launches is queued or in progress."


def test_a_schedule_leaves_alone_what_a_run_is_busy_with_and_skips_when_nothing_else_is_left(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    repository = build_defs(unattended.settings).get_repository_def()
    schedule, job = repository.get_schedule_def("refresh_fleet"), repository.get_job("everything")

    def begin(*endpoints: str) -> None:
        keys = frozenset(run_request(endpoints).asset_selection or ())
        instance.create_run_for_job(job_def=job.get_subset(asset_selection=keys), asset_selection=keys)

    def asked() -> tuple[set[str], str | None]:
        with dg.build_schedule_context(instance, scheduled_execution_time=TEN_TO_SEVEN) as context:
            tick = schedule.evaluate_tick(context)
        keys = [key for request in tick.run_requests or () for key in request.asset_selection or ()]
        return {key.path[-1] for key in keys} & ENDPOINTS.keys(), tick.skip_message

    instance.wipe()
    begin("cores", "launches")
    assert asked() == ({*GROUPS["fleet"]} - {"cores"}, None)
    begin(*GROUPS["fleet"])
    nothing, why = asked()
    assert (nothing, why) == (set(), f"A run of {listed(GROUPS['fleet'])} is queued or in progress.")
