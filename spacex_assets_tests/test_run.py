"""The summary at the end of a run, and what is said instead where PostgreSQL was lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets_tests.conftest import Platform

LAUNCH = "5e9d0d9551a0070000000003"


def test_the_summary_counts_what_is_quarantined_and_names_what_is_retained(platform: Platform) -> None:
    platform.load("launches")
    platform.edit("launches", LAUNCH, {"flight_number": "seven"})
    lines = platform.call("run").stdout.splitlines()
    header, launches = lines[0].split(), next(line for line in lines if line.startswith("launches")).split()
    figures = dict(zip(header, launches, strict=True))
    assert (figures["documents"], figures["quarantined"]) == ("30", "1")
    total = next(line for line in lines if line.startswith("total")).split()
    assert dict(zip(header, total, strict=True))["quarantined"] == "1"
    assert f"  launches: {LAUNCH}" in lines
    assert max(map(len, lines[: lines.index("")])) <= 100


def run_and_kill(environment: dict[str, str], postgres: EmbeddedPostgres, line: str) -> tuple[int, str]:
    """The exit status of `run`, and what it said, if PostgreSQL is killed once a line was there."""
    command = [sys.executable, "-m", "spacex_assets", "run"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        assert run.stdout is not None
        said = []
        for one in run.stdout:
            said.append(one)
            if one.rstrip() == line and (server := postgres.running()):
                os.kill(server.pid, signal.SIGKILL)
    return run.returncode, "".join(said)


def test_a_run_that_loses_postgresql_says_which_where_to_look_and_what_to_do(
    local_environment: dict[str, str], open_folder: Callable[[str], Path]
) -> None:
    local = open_folder("lost")
    environment = {**local_environment, "SPACEX_LOCAL": str(local), "SPACEX_HTTP_RATE": "1000"}
    postgres = EmbeddedPostgres(local / "postgres")
    try:
        status, said = run_and_kill(environment, postgres, "  loaded    cores")
        assert status == 1
        assert "Traceback" not in said
        assert "Dagster's storage postgresql+psycopg2://spacex:***@127.0.0.1:" in said
        assert "/dagster_simulated went away during the run" in said
        assert f"Why it went away is in {postgres.log}" in said
        assert "Next: `make run` starts it again" in said
        assert len(said.splitlines()) < 40, said
        again = subprocess.run(
            [sys.executable, "-m", "spacex_assets", "run"], env=environment, capture_output=True, text=True, check=False
        )
        assert again.returncode == 0, again.stderr
    finally:
        postgres.remove()


def test_a_run_that_loses_only_the_warehouse_names_every_step_that_failed(
    local_environment: dict[str, str], open_folder: Callable[[str], Path], database_url: str
) -> None:
    local = open_folder("lost")
    environment = {
        **local_environment,
        "SPACEX_LOCAL": str(local),
        "SPACEX_HTTP_RATE": "1000",
        "SPACEX_DAGSTER_DATABASE_URL": database_url,
    }
    postgres = EmbeddedPostgres(local / "postgres")
    try:
        status, said = run_and_kill(environment, postgres, "  loaded    roadster")
        assert status == 1
        assert "Traceback" not in said
        assert "spacex_ships\n" in said
        assert "the summary\n  The warehouse postgresql+psycopg2://spacex:***@127.0.0.1:" in said
        assert "Next: `make run` starts it again" in said
    finally:
        postgres.remove()
