"""What a real daemon does by itself: it evaluates freshness, and it tells what is wrong."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets_tests.automation.alerts.conftest import Watched
from spacex_assets_tests.automation.alerts.receivers import Webhook
from spacex_assets_tests.automation.conftest import until

LATE_SECONDS = 60
"""Dagster's shortest window."""
DEFINITIONS = "spacex_assets_tests.automation.alerts.broken_automation"


@pytest.fixture
def daemon(watched: Watched, webhook: Webhook) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "SPACEX_FRESH_HOURS": str(LATE_SECONDS / 3600),
        "SPACEX_ALERTS": f'{{"hook": "http://me:hook-secret@127.0.0.1:{webhook.port}/"}}',
        "SPACEX_LOG_FORMAT": "json",
        "FRESHNESS_DAEMON_INTERVAL_SECONDS": "1",
    }
    # The one sensor that is wanted here is switched on by hand; SPACEX_AUTOMATION would also refresh the table.
    switch = [sys.executable, "-m", "dagster", "sensor", "start", "incidents", "-m", DEFINITIONS]
    subprocess.run(switch, env=environment, check=True, capture_output=True)
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", DEFINITIONS]
    log = watched.platform.local / "daemon.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stderr=output, stdout=output, start_new_session=True)
        yield process
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_daemon_sees_a_table_become_late_and_tells_what_is_stale_and_which_sensor_fails(
    watched: Watched, webhook: Webhook, daemon: subprocess.Popen[str]
) -> None:
    key = dg.AssetKey(["spacex", "company"])
    await_sensor(watched)
    watched.run("company")
    watched.platform.rows(f"UPDATE ops.loads SET started_at = started_at - interval '{2 * LATE_SECONDS} s'")
    seen: list[str] = []
    deadline = time.monotonic() + 150
    while len(webhook.bodies) < 2 or seen[-1:] != ["WARN"]:
        assert daemon.poll() is None
        assert time.monotonic() < deadline, (seen, webhook.bodies, (watched.platform.local / "daemon.log").read_text())
        record = watched.instance.get_freshness_state_records([key]).get(key)
        if record is not None and record.freshness_state.value not in seen:
            seen.append(record.freshness_state.value)
        time.sleep(0.3)
    assert [state for state in seen if state != "UNKNOWN"] == ["PASS", "WARN"]
    told = {body["kind"]: body["incidents"] for body in webhook.bodies}
    assert set(told) == {"automation_failed", "stale"}
    stale = {one["subject"]: one["last_error"] for one in told["stale"]}
    assert stale.keys() == ENDPOINTS.keys()
    assert [name for name, error in stale.items() if error.startswith("last loaded ")] == ["company"]
    assert [one["subject"] for one in told["automation_failed"]] == ["broken"]
    assert told["automation_failed"][0]["last_error"] == "RuntimeError: nothing to be seen at http://127.0.0.1/"
    assert told["automation_failed"][0]["runs"] >= 1
    log = (watched.platform.local / "daemon.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    alerts = [line for line in lines if line["event"].startswith("ALERT: ")]
    assert {line["kind"] for line in alerts} == {"automation_failed", "stale"}
    assert {line["sensor"] for line in alerts} == {"incidents"}
    assert "hook-secret" not in log

    subprocess.run([sys.executable, "-m", "dagster", "sensor", "stop", "broken", "-m", DEFINITIONS], check=True)
    repository = importlib.import_module(DEFINITIONS).defs.get_repository_def()
    said = until(lambda: (it := watched.tick(repository)) != "Another process is looking." and it)
    assert "automation_failed: broken" in said, "to be switched off is not to be well"


def await_sensor(watched: Watched) -> None:
    deadline = time.monotonic() + 60
    while not watched.platform.rows("SELECT FROM ops.destinations WHERE name = 'hook'"):
        assert time.monotonic() < deadline, (watched.platform.local / "daemon.log").read_text()
        time.sleep(0.3)
