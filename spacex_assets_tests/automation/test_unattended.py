"""The platform left to itself, with Dagster's real daemon: what it does when something happens."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

from spacex_assets.automation.schedules import GROUPS
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.launcher import PROCESS_TAG
from spacex_assets.processes import lives
from spacex_assets.simulator.faults import Fault
from spacex_assets_tests.automation.conftest import QUEUE_SECONDS, Unattended, until

pytestmark = pytest.mark.usefixtures("daemon")


@pytest.fixture(scope="module")
def daemon(unattended: Unattended) -> Iterator[subprocess.Popen[bytes]]:
    with unattended.daemon(SPACEX_CRON='{"reference": "* * * * *"}') as process:
        yield process


def loaded(unattended: Unattended) -> set[str]:
    return {name for (name,) in unattended.rows("SELECT DISTINCT endpoint FROM ops.loads WHERE outcome = 'loaded'")}


def pools(run: dg.DagsterRun) -> set[str]:
    return set(run.run_op_concurrency.all_pools or ()) if run.run_op_concurrency else set()


def runs_by(instance: dg.DagsterInstance, sensor: str, *endpoints: str) -> list[dg.DagsterRun]:
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": sensor}))
    return [run for run in runs if pools(run) == set(endpoints)]


def ticks(instance: dg.DagsterInstance, name: str) -> list[InstigatorTick]:
    (state,) = [state for state in instance.all_instigator_state() if state.instigator_name == name]
    return list(instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=20))


def finished(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus | None:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status if found.is_finished else None


def times(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[float, float]:
    record = instance.get_run_record_by_id(run.run_id)
    assert record is not None
    return record.start_time or 0, record.end_time or 0


def test_an_empty_warehouse_fills_itself_by_one_run(unattended: Unattended, instance: dg.DagsterInstance) -> None:
    until(lambda: loaded(unattended) == set(ENDPOINTS))
    (run,) = runs_by(instance, "source_change", *ENDPOINTS)
    assert until(lambda: finished(instance, run)) is dg.DagsterRunStatus.SUCCESS


def test_a_changed_document_reaches_its_table_within_a_minute_by_one_run_of_its_endpoint(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    unattended.source.content.edit("cores", unattended.first("cores"), {"last_update": "corrected"})
    until(lambda: unattended.rows("SELECT FROM spacex.cores WHERE last_update = 'corrected'"), 60)
    (run,) = runs_by(instance, "source_change", "cores")
    assert until(lambda: finished(instance, run)) is dg.DagsterRunStatus.SUCCESS


def test_a_source_that_is_down_for_several_ticks_loses_no_change_and_fails_no_tick(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    unattended.source.faults.add(Fault(kind="reset", times=None))
    unattended.source.content.edit("crew", unattended.first("crew"), {"agency": "corrected"})

    def outages() -> list[InstigatorTick]:
        return [tick for tick in ticks(instance, "source_change") if "2 attempt(s)" in (tick.skip_reason or "")]

    until(outages)
    unattended.source.faults.clear()
    until(lambda: unattended.rows("SELECT FROM spacex.crew WHERE agency = 'corrected'"), 60)
    assert TickStatus.FAILURE not in {tick.status for tick in ticks(instance, "source_change")}


def test_a_run_whose_worker_is_killed_is_ended_and_begun_anew_once(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    with unattended.held("ships"):
        unattended.source.content.edit("ships", unattended.first("ships"), {"home_port": "corrected"})
        until(unattended.waiting)
        (run,) = runs_by(instance, "source_change", "ships")
        os.kill(int(run.tags[PROCESS_TAG].split()[1]), signal.SIGKILL)
        assert until(lambda: finished(instance, run)) is dg.DagsterRunStatus.FAILURE
        assert lives(run.tags[PROCESS_TAG]) is False
    until(lambda: unattended.rows("SELECT FROM spacex.ships WHERE home_port = 'corrected'"))
    again, first = runs_by(instance, "source_change", "ships")
    assert (again.parent_run_id, first.run_id) == (run.run_id, run.run_id)
    assert until(lambda: finished(instance, again)) is dg.DagsterRunStatus.SUCCESS


def test_a_run_that_is_cancelled_in_the_ui_ends_and_leaves_the_tables_as_they_were(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    with unattended.held("payloads"):
        unattended.source.content.edit("payloads", unattended.first("payloads"), {"regime": "corrected"})
        until(unattended.waiting)
        (run,) = runs_by(instance, "source_change", "payloads")
        assert instance.run_launcher.terminate(run.run_id)
        assert until(lambda: finished(instance, run), 20) is dg.DagsterRunStatus.CANCELED
    assert not unattended.rows("SELECT FROM spacex.payloads WHERE regime = 'corrected'")
    # What the sensor reads meanwhile lies there too, but for a moment only.
    until(lambda: not list((unattended.settings.lake_folder / "staging").iterdir()))


def test_a_run_of_everything_waits_for_one_of_a_single_endpoint(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    with unattended.held("landpads"):
        unattended.source.content.edit("landpads", unattended.first("landpads"), {"details": "corrected"})
        until(unattended.waiting)
        unattended.launch("everything")
        time.sleep(QUEUE_SECONDS)
        (everything,) = instance.get_runs(dg.RunsFilter(job_name="everything", statuses=[dg.DagsterRunStatus.QUEUED]))
    (run,) = runs_by(instance, "source_change", "landpads")
    until(lambda: times(instance, everything)[0])
    assert times(instance, run)[1] <= times(instance, everything)[0]


def test_a_schedule_launches_its_run_by_itself(unattended: Unattended, instance: dg.DagsterInstance) -> None:
    """The next one from now on: earlier ones may have begun while another test kept the source down."""
    its_own = dg.RunsFilter(tags={"dagster/schedule_name": "refresh_reference"}, created_after=datetime.now(UTC))
    run = until(lambda: instance.get_runs(its_own))[-1]
    assert pools(run) == set(GROUPS["reference"])
    assert until(lambda: finished(instance, run)) is dg.DagsterRunStatus.SUCCESS


def test_everything_that_runs_by_itself_is_on(instance: dg.DagsterInstance) -> None:
    states = instance.all_instigator_state()
    names = {state.instigator_name for state in states if state.instigator_type is InstigatorType.SCHEDULE}
    assert {f"refresh_{group}" for group in GROUPS} | {"full_compare"} <= names
    assert all(state.is_running for state in states)
