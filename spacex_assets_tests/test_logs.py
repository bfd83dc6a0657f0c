"""The lines of real processes: what they say, where they go, and that no secret is in them."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest

from spacex_assets.config import Settings
from spacex_assets.local import attach
from spacex_assets_tests.conftest import Platform

BOUND = ("run_id", "job", "step", "asset", "endpoint", "attempt")
COMPANY = ["--select", 'key:"raw/company"+']


@pytest.fixture(scope="module")
def ready(platform: Platform) -> Platform:
    """With everything in the environment that a `dagster` command needs."""
    attach(Settings())
    return platform


def materialized(*selection: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dagster", "asset", "materialize", *(selection or COMPANY)]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_off_a_terminal_every_line_of_a_run_is_json_and_ours_say_where_they_are_from(ready: Platform) -> None:
    done = materialized()
    assert done.returncode == 0, done.stderr
    lines = lines_of(done.stderr)
    others = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert not [line for line in others if "dagster - " in line], "Dagster's own lines are JSON too"
    (loaded,) = [line for line in lines if line["logger"] == "spacex_assets.load.transaction"]
    assert list(loaded)[:3] == ["timestamp", "level", "event"]
    assert set(BOUND) <= set(loaded)
    assert {name: loaded[name] for name in BOUND[1:]} == {
        "job": "__ASSET_JOB",
        "step": "spacex_company",
        "asset": "spacex/company",
        "endpoint": "company",
        "attempt": 1,
    }
    assert (loaded["level"], loaded["event"], loaded["tables"], loaded["inserted"]) == ("info", "loaded", 1, 1)
    (succeeded,) = [line for line in lines if line.get("dagster_event") == "PIPELINE_SUCCESS"]
    assert succeeded["run_id"] == loaded["run_id"]


def test_our_lines_are_in_dagsters_event_log_one_per_endpoint(ready: Platform) -> None:
    run_id = lines_of(materialized().stderr)[-1]["run_id"]
    with dg.DagsterInstance.get() as instance:
        (entry,) = [entry for entry in instance.all_logs(run_id) if entry.dagster_event is None]
    assert (entry.step_key, entry.level) == ("spacex_company", 20)
    assert entry.user_message.startswith("loaded tables=1 inserted=0 updated=0 deleted=0 unchanged=1 ")
    assert "run_id" not in entry.user_message


def test_where_console_is_asked_for_a_run_writes_dagsters_lines_with_ours_among_them(ready: Platform) -> None:
    text = materialized(SPACEX_LOG_FORMAT="console").stderr
    assert lines_of(text) == []
    assert text.count(" - spacex_company - loaded tables=1 ") == 1


@contextmanager
def terminal() -> Iterator[tuple[int, list[str]]]:
    ours, theirs = pty.openpty()
    shown: list[str] = []
    try:
        yield theirs, shown
    finally:
        os.close(theirs)
        data = b""
        try:
            while chunk := os.read(ours, 65536):
                data += chunk
        except OSError:
            pass  # Linux's way to say that nobody holds the other end any more
        os.close(ours)
        shown.append(data.decode(errors="replace"))


def test_on_a_terminal_a_line_outside_of_runs_is_coloured_and_elsewhere_json(ready: Platform) -> None:
    script = "from spacex_assets import logs; from spacex_assets.config import Settings; import structlog; "
    script += "logs.configure(Settings()); structlog.get_logger('spacex_assets.x').warning('odd', path='a b')"
    command = [sys.executable, "-c", script]
    with terminal() as (theirs, shown):
        subprocess.run(command, check=True, stderr=theirs)
    assert "\x1b[" in shown[0]
    assert "odd" in shown[0] and "a b" in shown[0]
    (line,) = lines_of(subprocess.run(command, check=True, capture_output=True, text=True).stderr)
    assert (line["level"], line["event"], line["path"], line["logger"]) == ("warning", "odd", "a b", "spacex_assets.x")


def test_make_run_shows_progress_and_each_warning_once_and_json_only_if_asked(ready: Platform) -> None:
    ready.edit("launches", "5e9d0d9551a0070000000003", {"flight_number": "seven"})
    command = [sys.executable, "-m", "spacex_assets", "run"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert lines_of(shown) == []
    assert shown.count("quarantined: document 5e9d0d9551a0070000000003") == 1
    assert "\n  warning   launches: quarantined: document" in shown
    assert "\n  loaded    launches\n" in shown
    asked = {**os.environ, "SPACEX_LOG_FORMAT": "json"}
    shown = subprocess.run(command, env=asked, capture_output=True, text=True, check=True).stderr
    (warning,) = [line for line in lines_of(shown) if "quarantined" in line["event"]]
    assert (warning["endpoint"], warning["asset"], warning["command"]) == ("launches", "typed/launches", "run")


def test_no_secret_is_in_the_lines_of_a_run_that_fails(ready: Platform) -> None:
    ready.rows("UPDATE ops.world SET name = 'real'")
    try:
        done = materialized(
            "--select",
            'key:"raw/company"',
            SPACEX_SOURCE="http://me:hidden-4711@127.0.0.1:1",
            SPACEX_HTTP_ATTEMPTS="2",
        )
    finally:
        ready.rows("UPDATE ops.world SET name = 'simulated'")
    assert done.returncode == 1
    lines = lines_of(done.stderr)
    (failed,) = [line for line in lines if line["event"] == "a request failed"]
    assert (failed["endpoint"], failed["asset"], failed["request"]) == ("company", "raw/company", 1)
    assert "Connection refused" in failed["error"]
    (step,) = [line for line in lines if line.get("dagster_event") == "STEP_FAILURE"]
    assert "SourceUnreachable" in step["error"]
    assert "hidden-4711" not in done.stderr
    password = ready.url.partition("://")[2].partition("@")[0].partition(":")[2]
    assert password not in done.stderr
