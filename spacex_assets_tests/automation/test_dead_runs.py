"""Runs that are interrupted or killed: what they leave behind, and who ends them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psutil
import pytest

from spacex_assets_tests.automation.conftest import SESSIONS, Unattended, until

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
            assert failure in statuses(instance, dg.RunsFilter(job_name="__ASSET_JOB"))
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
