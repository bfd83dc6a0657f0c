"""The Dagster UI and daemon on this machine: says when they are ready, and ends both together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress

import click

from spacex_assets.config import Settings
from spacex_assets.errors import PlatformError
from spacex_assets.local import MODULE, prepare

HOST = "127.0.0.1"
READY_SECONDS = 120.0
STOP_SECONDS = 15.0
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HEALTH = "{ instance { daemonHealth { allDaemonStatuses { required healthy } } } }"


class UiFailed(PlatformError):
    """The UI did not come up, or did not stay up."""


def serve_ui(settings: Settings) -> None:
    """Runs webserver and daemon until a signal. Raises :class:`UiFailed`, at once if the port is taken."""
    _ensure_free(settings.ui_port)
    prepare(settings)
    commands = {
        "webserver": ["dagster_webserver", "-h", HOST, "-p", str(settings.ui_port)],
        "daemon": ["dagster._daemon", "run"],
    }
    processes: dict[str, subprocess.Popen[bytes]] = {}
    for interrupt in INTERRUPTS:
        signal.signal(interrupt, _raise_interrupt)
    try:
        for name, command in commands.items():
            # A session of its own: Ctrl-C reaches us, and we end them in order.
            processes[name] = subprocess.Popen([sys.executable, "-m", *command, "-m", MODULE], start_new_session=True)
        _await_ready(settings.ui_port, processes)
        click.secho(f"\nReady: http://{HOST}:{settings.ui_port} - Ctrl-C ends it.", fg="green", err=True)
        while True:
            _ensure_alive(processes)
            time.sleep(0.2)
    except KeyboardInterrupt:
        return
    finally:
        for interrupt in INTERRUPTS:
            signal.signal(interrupt, signal.SIG_IGN)
        _end(processes)


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _ensure_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UiFailed(
                f"The UI cannot have port {port} on {HOST}: {error.strerror}. "
                f"End what has it, perhaps another `make ui`, or set SPACEX_UI_PORT to another port."
            ) from error


def _ensure_alive(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        status = process.poll()
        if status is not None:
            raise UiFailed(f"Dagster's {name} ended by itself, with status {status}; its messages are above.")


def _await_ready(port: int, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(port):
        _ensure_alive(processes)
        if time.monotonic() >= deadline:
            raise UiFailed(
                f"The UI on http://{HOST}:{port} and its daemon are not ready after {READY_SECONDS:.0f} s; "
                f"their messages are above."
            )
        time.sleep(0.2)


def _is_ready(port: int) -> bool:
    """Whether the webserver answers, and says that every daemon works."""
    request = urllib.request.Request(
        f"http://{HOST}:{port}/graphql", json.dumps({"query": HEALTH}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            health = json.load(response)["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    except (urllib.error.URLError, OSError):
        return False
    return all(daemon["healthy"] for daemon in health if daemon["required"])


def _end(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        # Its code server too, which outlives a process that was killed.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
