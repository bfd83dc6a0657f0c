"""The Dagster UI and daemon on this machine: says when they are ready, and ends both together."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import click

from spacex_assets.config import Settings
from spacex_assets.errors import PlatformError
from spacex_assets.local import MODULE

HOST = "127.0.0.1"
READY_SECONDS = 120.0
STOP_SECONDS = 15.0


class UiNotStarted(PlatformError):
    """The UI did not come up."""


def serve_ui(settings: Settings) -> int:
    """Runs webserver and daemon until a signal or until one of them ends; the exit status."""
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, _raise_interrupt)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for program, arguments in (
            ("dagster_webserver", ["-h", HOST, "-p", str(settings.ui_port)]),
            ("dagster.daemon", ["run"]),
        ):
            module = "dagster._daemon" if program == "dagster.daemon" else program
            # A session of its own: Ctrl-C reaches us, and we end them in order.
            processes.append(
                subprocess.Popen([sys.executable, "-m", module, *arguments, "-m", MODULE], start_new_session=True)
            )
        _await_ready(settings.ui_port, processes)
        click.secho(f"\nReady: http://{HOST}:{settings.ui_port} - Ctrl-C ends it.", fg="green", err=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _end(processes)


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _await_ready(port: int, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        try:
            urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise UiNotStarted(
        f"The UI did not come up on http://{HOST}:{port}; its messages are above. "
        f"If the port is taken, set SPACEX_UI_PORT."
    )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
