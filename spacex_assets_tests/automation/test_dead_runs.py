"""Runs that are interrupted or killed: what they leave behind, and who ends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from spacex_assets.run import EndpointsBusy, run_everything
from spacex_assets_tests.automation.conftest import QUEUE_SECONDS, SESSIONS, Unattended, until

NO_AUTOMATION = {"SPACEX_AUTOMATION": "false"}
LAUNCHES = dg.RunsFilter(job_name="launches")


@pytest.fixture(autouse=True)
def nothing_is_left(unattended: Unattended) -> Iterator[None]:
    """No transaction that is open, and with it no lock."""
    yield
    until(lambda: not unattended.rows(f"SELECT {SESSIONS} AND (backend_xid IS NOT NULL OR state LIKE 'idle in%%')"), 5)


@contextmanager
def under_way(unattended: Unattended, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command whose run is about to load launches, and waits; it is not to see the end of the block."""
    with unattended.held("launches"):
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", *arguments]
        process = subprocess.Popen(command, env=unattended.environment, stdout=pipe, stderr=pipe, text=True)
        until(unattended.waiting)
        yield process


def staged(unattended: Unattended) -> int:
    return len(list((unattended.settings.lake_folder / "staging").iterdir()))


def statuses(instance: dg.DagsterInstance, runs: dg.RunsFilter | None = None) -> list[dg.DagsterRunStatus]:
    """Of the runs, the first first."""
    return [run.status for run in instance.get_runs(runs, ascending=True)]


@pytest.mark.parametrize(
    "arguments", [("spacex_assets", "run"), ("dagster", "asset", "materialize", "--select", 'key:"raw/launches"+')]
)
@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_its_run_at_once_and_leaves_nothing(
    unattended: Unattended, instance: dg.DagsterInstance, interrupt: signal.Signals, arguments: tuple[str, ...]
) -> None:
    with under_way(unattended, *arguments) as process:
        process.send_signal(interrupt)
        _, messages = process.communicate(timeout=10)
    assert process.returncode not in (0, -interrupt)
    if arguments[0] == "spacex_assets":
        assert "spacex_launches\n  interrupted\n" in messages
    assert statuses(instance)[-1] is dg.DagsterRunStatus.FAILURE
    assert staged(unattended) == 0
    assert unattended.rows("SELECT count(*) FROM spacex.launches") == [(0,)]


def test_a_daemon_ends_what_was_killed_before_and_begins_its_own_anew_and_two_of_an_endpoint_never_overlap(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    success, failure, started = (dg.DagsterRunStatus(name) for name in ("SUCCESS", "FAILURE", "STARTED"))
    with under_way(unattended, "spacex_assets", "run") as process:
        process.kill()
        process.communicate()
    assert statuses(instance)[-1] is started
    unattended.launch("launches", "launches")
    with unattended.held("launches"):
        with unattended.daemon(**NO_AUTOMATION) as daemon:
            until(unattended.waiting)
            assert failure in statuses(instance, dg.RunsFilter(job_name="everything"))
            assert statuses(instance, LAUNCHES).count(started) == 1
            family = psutil.Process(daemon.pid).children(recursive=True)
            os.killpg(daemon.pid, signal.SIGKILL)
        psutil.wait_procs(family, timeout=5)
        assert statuses(instance, LAUNCHES).count(started) == 1
    with unattended.daemon(**NO_AUTOMATION):
        until(lambda: statuses(instance, LAUNCHES).count(success) == 2)
    assert sorted(statuses(instance, LAUNCHES), key=str) == [failure, success, success]
    begun, ended = [], []
    for record in instance.get_run_records(LAUNCHES):
        begun.append(record.start_time or 0)
        ended.append(record.end_time or 0)
    assert all(before <= after for before, after in zip(sorted(ended), sorted(begun)[1:], strict=False))
    assert staged(unattended) == 0
    assert unattended.rows("SELECT count(*) FROM spacex.launches") == [(10,)]


def test_a_command_refuses_to_begin_beside_a_run_of_its_endpoints_unless_that_is_dead(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "spacex_assets", "run"]
        return subprocess.run(
            command, env=unattended.environment, capture_output=True, text=True, check=False, timeout=30
        )

    with under_way(unattended, "spacex_assets", "run") as process:
        (first,) = instance.get_runs(limit=1)
        refused = run()
        assert refused.returncode == 1
        assert f"\n  {first.run_id} everything, STARTED: capsules, company, " in refused.stderr
        assert "Next: wait until" in refused.stderr
        assert [found.run_id for found in instance.get_runs(limit=1)] == [first.run_id]
        process.kill()
        process.communicate()
    assert run().returncode == 0


def test_what_is_queued_waits_for_a_command_and_a_command_does_not_overtake_it(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    with under_way(unattended, "spacex_assets", "run") as process:
        unattended.launch("launches")
        began = time.time()
        with unattended.daemon(**NO_AUTOMATION):
            until(lambda: looked_at_the_queue(instance) > began)
            time.sleep(QUEUE_SECONDS)
        (waiting,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
        process.kill()
        process.communicate()
    with pytest.raises(EndpointsBusy, match=f"{waiting.run_id} launches, QUEUED: launches"):
        run_everything(unattended.settings)
    instance.report_run_canceled(waiting)


def test_of_two_commands_that_begin_at_once_one_runs_and_one_is_refused_and_says_what_to_do(
    unattended: Unattended, instance: dg.DagsterInstance
) -> None:
    for run in instance.get_runs(dg.RunsFilter(statuses=[*NOT_FINISHED_STATUSES])):
        instance.report_run_canceled(run)
    before, pipe = len(statuses(instance)), subprocess.PIPE
    command = [sys.executable, "-m", "spacex_assets", "run"]
    storage = sa.create_engine(unattended.settings.dagster_url or "", poolclass=sa.NullPool)
    with ExitStack() as stack:
        with storage.connect() as connection:
            connection.exec_driver_sql("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE")  # all may look, none can begin
            begun = [
                subprocess.Popen(command, env=unattended.environment, stdout=pipe, stderr=pipe, text=True)
                for _ in range(2)
            ]
            for process in begun:
                stack.callback(process.kill)
            refused = until(lambda: next((one for one in begun if one.poll() is not None), None), 60)
            _, said = refused.communicate()
        (ran,) = (one for one in begun if one is not refused)
        ran.communicate(timeout=120)
    assert (refused.returncode, ran.returncode) == (1, 0)
    assert "another is about to begin its run" in said
    assert "Nothing was done. Next: wait until" in said
    assert len(statuses(instance)) == before + 1


def looked_at_the_queue(instance: dg.DagsterInstance) -> float:
    """When the daemon last said that it does."""
    heartbeat = instance.get_daemon_heartbeats().get("QUEUED_RUN_COORDINATOR")
    return heartbeat.timestamp if heartbeat else 0.0
