"""`status`, through the command line, after a run that was killed."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets_tests.conftest import Platform

HELD = "SELECT pg_advisory_lock(hashtext('spacex_assets.load'), hashtext('ships'))"
WAITING = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND query LIKE 'SELECT pg_try_advisory_xact_lock%%'"
)


@pytest.fixture(scope="module")
def killed(platform: Platform) -> Platform:
    """After a run in which a check failed, one that is killed -9 while it waits for the ships."""
    platform.rows("ALTER TABLE spacex.landpads ADD COLUMN foreign_column int")
    platform.call("run")
    engine = sa.create_engine(platform.url)
    with engine.connect() as connection:
        connection.exec_driver_sql(HELD)
        run = subprocess.Popen(
            [sys.executable, "-m", "spacex_assets", "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: platform.rows(WAITING) != [])
        assert [one["alive"] for one in platform.answer("status")["runs"]] == [True]
        run.kill()
        run.wait()
    until(lambda: platform.rows(WAITING) == [])
    engine.dispose()
    return platform


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that within a minute")


def test_what_nobody_ever_judged_is_not_called_good(platform: Platform) -> None:
    platform.load("ships")
    answer = platform.answer("status")
    assert (answer["checks"], answer["judged"], len(answer["unjudged"])) == ([], 0, 4 * len(ENDPOINTS))
    assert {one["run_id"] for one in answer["unjudged"]} == {None}
    screen = platform.call("status").stdout
    assert f"Checks      none judged, {4 * len(ENDPOINTS)} without a verdict" in screen
    assert "never judged: spacex/capsules drift" in screen
    assert "Runs        0 unfinished" in screen


def test_a_killed_run_is_told_with_the_endpoints_that_it_did_not_load(killed: Platform) -> None:
    (run,) = killed.answer("status")["runs"]
    of_run = f"SELECT DISTINCT endpoint FROM ops.loads WHERE run_id = '{run['run_id']}'"
    loaded = {endpoint for (endpoint,) in killed.rows(of_run)}
    assert (run["status"], run["alive"]) == ("STARTED", False)
    assert "ships" in run["unloaded"]
    assert set(run["unloaded"]) == set(ENDPOINTS) - loaded
    text = " ".join(killed.call("status").stdout.split())
    assert "Runs 1 unfinished" in text
    assert f"{run['run_id']} {run['job']}, STARTED, begun" in text
    assert "its process is gone, `make ui` ends it; not loaded: " in text


def test_the_verdicts_before_a_killed_run_stay_and_the_checks_that_it_did_not_judge_are_named(killed: Platform) -> None:
    answer = killed.answer("status")
    (run,) = answer["runs"]
    assert ("ERROR", "spacex/landpads", "integrity") in {
        (one["severity"], one["asset"], one["check"]) for one in answer["checks"]
    }
    unjudged = {(one["asset"], one["check"]) for one in answer["unjudged"]}
    assert {(f"spacex/{name}", "integrity") for name in ENDPOINTS} <= unjudged
    assert {one["run_id"] for one in answer["unjudged"]} == {run["run_id"]}
    assert len(unjudged) + answer["judged"] == 4 * len(ENDPOINTS)
    lines = killed.call("status").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    screen = " ".join(" ".join(lines).split())
    assert "none failed or warned" not in screen
    assert "no verdict since): " in screen
    assert f"{len(unjudged)} without a verdict" in screen
    assert f"no verdict from run {run['run_id']} (crashed, skipped or to come): " in screen
