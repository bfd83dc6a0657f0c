"""Whether a run still has a process, as the launcher tells it: from its code server, its process, or nobody."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRun
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from spacex_assets import launcher
from spacex_assets.launcher import PROCESS_TAG, WatchfulRunLauncher
from spacex_assets.processes import this_process
from spacex_assets_tests.automation.conftest import until

RUNNING, FAILED = WorkerStatus.RUNNING, WorkerStatus.FAILED
ELSEWHERE = "another-host 1 2"
GONE = f"{socket.gethostname()} {os.getpid()} 0"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def code_server(tmp_path: Path, port: int) -> Iterator[int]:
    """One that executes nothing, as after a restart."""
    definitions = tmp_path / "definitions.py"
    definitions.write_text("import dagster as dg\ndefs = dg.Definitions()\n")
    command = [sys.executable, "-m", "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(port), "-f", definitions]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield port
        process.terminate()


def status(one: WatchfulRunLauncher, process: str | None = None, port: int | None = None) -> WorkerStatus:
    tags = {PROCESS_TAG: process} if process else {}
    tags |= {GRPC_INFO_TAG: json.dumps({"host": "127.0.0.1", "port": port})} if port else {}
    return one.check_run_worker_health(DagsterRun("job", run_id="run", tags=tags)).status


def test_a_run_that_its_code_server_does_not_know_is_dead_unless_its_process_lives(code_server: int) -> None:
    one = WatchfulRunLauncher()
    assert status(one, None, code_server) is FAILED
    assert status(one, ELSEWHERE, code_server) is FAILED
    assert status(one, GONE, code_server) is FAILED
    assert status(one, this_process(), code_server) is RUNNING


def test_a_code_server_that_does_not_answer_is_waited_for_a_while(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = WatchfulRunLauncher()
    assert status(one, ELSEWHERE, port) is RUNNING
    monkeypatch.setattr(launcher, "UNREACHABLE_SECONDS", 0.0)
    assert status(one, ELSEWHERE, port) is FAILED
    assert status(WatchfulRunLauncher(), GONE, port) is FAILED


def test_a_run_without_code_server_is_dead_only_if_its_process_is_known_to_be() -> None:
    one = WatchfulRunLauncher()
    assert [status(one, process) for process in (this_process(), GONE, ELSEWHERE, None)] == [
        *(RUNNING, FAILED, RUNNING, RUNNING)
    ]
