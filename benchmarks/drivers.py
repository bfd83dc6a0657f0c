"""What has the platform notice its source: runs of our own, or Dagster's real daemon with every schedule and sensor on.

What does not belong here: what happens meanwhile (``mischief.py``), and what has to hold in the end (``soak.py``).
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol

import dagster as dg
import psutil

from spacex_assets.automation.runs import unfinished_runs
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.local import MODULE

TICK_SECONDS = 30.0
"""Of a day of the daemon's."""
HASTE = {
    "launches": "* * * * *",
    "positions": "* * * * *",
    "fleet": "*/2 * * * *",
    "reference": "*/3 * * * *",
    "full_compare": "*/10 * * * *",
}
"""Schedules of days that last minutes."""
SETTINGS = ("http_rate", "http_attempts", "http_read_timeout", "endpoint_time_limit")
"""What a soak sets that children are not told by ``prepare``."""


class Driver(Protocol):
    """What has the platform notice the source."""

    def running(self) -> AbstractContextManager[object]:
        """Everything that is to run for ever runs until the block ends."""

    def tick(self) -> None:
        """Gives it the time or the run to load what there is, which may fail."""

    def workers(self) -> list[psutil.Process]:
        """The processes of runs that may be killed."""

    @property
    def quiet(self) -> bool:
        """Whether nobody loads."""

    @property
    def memory(self) -> float:
        """MiB of all processes that are to run for ever."""


@dataclass
class DirectRuns:
    """Runs of the whole graph in this process."""

    settings: Settings
    instance: dg.DagsterInstance
    quiet: bool = True

    def running(self) -> AbstractContextManager[None]:
        return nullcontext()

    def workers(self) -> list[psutil.Process]:
        return []

    def tick(self) -> None:
        job = build_defs(self.settings).resolve_implicit_global_asset_job_def()
        job.execute_in_process(instance=self.instance, raise_on_error=False, run_config={"loggers": {"progress": {}}})

    @property
    def memory(self) -> float:
        gc.collect()
        return float(psutil.Process().memory_info().rss / 2**20)


@dataclass
class Daemon:
    """Dagster's daemon and its code server."""

    settings: Settings
    instance: dg.DagsterInstance
    process: psutil.Process | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        environment = {
            **os.environ,
            **{f"SPACEX_{name.upper()}": str(getattr(self.settings, name)) for name in SETTINGS},
            "SPACEX_AUTOMATION": "true",
            "SPACEX_POLL_SECONDS": "2",
            "SPACEX_CRON": json.dumps(HASTE),
        }
        with (self.settings.local / "daemon.log").open("wb") as log:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "dagster._daemon", "run", "-m", MODULE],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.process = psutil.Process(daemon.pid)
        try:
            yield
        finally:
            daemon.send_signal(signal.SIGINT)
            daemon.wait(60)

    def tick(self) -> None:
        time.sleep(TICK_SECONDS)

    def workers(self) -> list[psutil.Process]:
        return [worker for server in self._servers() for worker in server.children() if _executes(worker)]

    @property
    def quiet(self) -> bool:
        return not unfinished_runs(self.instance)

    @property
    def memory(self) -> float:
        """Of the daemon and the larger of its code servers: now and then it replaces one by another."""
        assert self.process is not None
        return (_resident(self.process) + max(map(_resident, self._servers()), default=0)) / 2**20

    def _servers(self) -> list[psutil.Process]:
        return self.process.children() if self.process is not None else []


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _executes(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False
