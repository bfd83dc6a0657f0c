"""`make ui` as its user meets it: ready when it says so, and gone with its signal."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from spacex_assets.endpoints.registry import ENDPOINTS

QUESTION = """{
  assetNodes { assetKey { path } }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } }
}"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ui(local_environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    process = serve(local_environment, port)
    assert process.stderr is not None
    assert any("Ready:" in line for line in process.stderr)
    family = dagster_processes(process)
    yield process
    process.kill()
    process.communicate()
    for left in family:
        if left.is_running():
            left.kill()


def serve(environment: dict[str, str], port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "spacex_assets", "ui"]
    return subprocess.Popen(
        command, env={**environment, "SPACEX_UI_PORT": str(port)}, stderr=subprocess.PIPE, text=True
    )


def dagster_processes(ui: subprocess.Popen[str]) -> list[psutil.Process]:
    """What the UI has started, but for PostgreSQL, which outlives it."""
    children = psutil.Process(ui.pid).children(recursive=True)
    return [process for process in children if any("dagster" in part for part in process.cmdline())]


def ask(port: int, question: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": question}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["data"]


def test_once_ready_the_graph_is_there_and_the_daemon_healthy_and_ctrl_c_ends_both(
    ui: subprocess.Popen[str], port: int
) -> None:
    answer = ask(port, QUESTION)
    paths = [node["assetKey"]["path"] for node in answer["assetNodes"]]
    assert {path[1] for path in paths if path[0] == "raw"} == set(ENDPOINTS)
    assert len(paths) == len(ENDPOINTS) + 2 * sum(path[0] == "spacex" for path in paths)
    daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert all(daemon["healthy"] for daemon in daemons if daemon["required"]), daemons

    family = dagster_processes(ui)
    assert len(family) >= 4
    ui.send_signal(signal.SIGINT)
    _, messages = ui.communicate(timeout=30)
    assert ui.returncode == 0, messages
    _, left = psutil.wait_procs(family, timeout=3)
    assert not left


def test_a_daemon_that_dies_takes_the_webserver_with_it_and_is_named(ui: subprocess.Popen[str]) -> None:
    family = dagster_processes(ui)
    [daemon] = [process for process in family if "dagster._daemon" in process.cmdline()]
    daemon.kill()
    _, messages = ui.communicate(timeout=30)
    assert ui.returncode == 1
    _, left = psutil.wait_procs(family, timeout=3)
    assert not left
    assert "Dagster's daemon ended by itself, with status -9" in messages


def test_a_taken_port_is_an_error_before_anything_starts(local_environment: dict[str, str], port: int) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        elsewhere = {**local_environment, "SPACEX_LOCAL": local_environment["SPACEX_LOCAL"] + "/never"}
        began = time.monotonic()
        process = serve(elsewhere, port)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"cannot have port {port}" in messages
    assert "SPACEX_UI_PORT" in messages
    assert "Traceback" not in messages
    assert time.monotonic() - began < 20
    assert not Path(elsewhere["SPACEX_LOCAL"]).exists()
