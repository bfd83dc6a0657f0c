"""A platform that runs unattended: a warehouse, a folder and a source of its own, and Dagster's real daemon."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from spacex_assets.automation.jobs import run_request
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.embedded import Server
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.local import MODULE, environment, prepare
from spacex_assets.simulator.content import Content, Recordings
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import RunningSimulator, running_simulator

LAUNCHES = 10
QUEUE_SECONDS = 6
"""The daemon looks at its queue every five."""
SESSIONS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True)
class Unattended:
    """Settings in which everything is there, the source that they name, and the environment of children."""

    settings: Settings
    source: RunningSimulator
    environment: dict[str, str]

    @contextmanager
    def daemon(self, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """Dagster's daemon with its code server, until the block ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", "-m", MODULE],
            env={**self.environment, **settings},
            stdout=(self.settings.local / "daemon.log").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            finally:
                for left in (process, *family):
                    if left.is_running() if isinstance(left, psutil.Process) else left.poll() is None:
                        left.kill()
                process.wait()

    def load(self, *endpoints: str) -> dg.ExecuteInProcessResult:
        """Fetches, types and loads these endpoints in this process, or fails."""
        keys = run_request(endpoints).asset_selection
        job = build_defs(self.settings).resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(instance=instance, asset_selection=keys, raise_on_error=False)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the warehouse answers."""
        engine = sa.create_engine(self.settings.warehouse_url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    @contextmanager
    def held(self, endpoint: str) -> Iterator[None]:
        """Keeps loads of an endpoint waiting until the block ends."""
        engine = sa.create_engine(self.settings.warehouse_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            lock = sa.text("SELECT pg_advisory_lock(hashtext('spacex_assets.load'), hashtext(:endpoint))")
            connection.execute(lock, {"endpoint": endpoint})
            yield

    def waiting(self) -> bool:
        """Whether a load waits."""
        return bool(self.rows(f"SELECT {SESSIONS} AND query LIKE 'SELECT pg_try_advisory_xact_lock%%'"))

    def launch(self, *jobs: str) -> None:
        """Puts a run of each job into the queue."""
        command = [sys.executable, "-m", "dagster", "job", "launch", "-m", MODULE, "-j"]
        for process in [subprocess.Popen([*command, job], env=self.environment) for job in jobs]:
            assert process.wait() == 0

    def first(self, endpoint: str) -> str:
        """The id of the first document of an endpoint."""
        return str(next(self.source.content.documents(endpoint))["id"])


def until(condition: Callable[[], Any], seconds: float = 120, every: float = 0.2) -> Any:
    """What the condition returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(every)
    return found


def killed_run(settings: Settings, instance: dg.DagsterInstance, *endpoints: str) -> str:
    """A run of these endpoints as one is whose process was killed in its first step, for good; its id."""
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey([layer, name]) for name in endpoints for layer in ("raw", "typed", "spacex")]
    subset = job.get_subset(asset_selection=set(keys))
    once = {"dagster/max_retries": "0"}
    run = instance.create_run_for_job(job_def=subset, asset_selection=frozenset(keys), tags=once)
    begun = dg.DagsterEvent("STEP_START", run.job_name, step_key=f"raw__{endpoints[0]}")
    instance.report_dagster_event(begun, run.run_id)
    instance.report_engine_event("terminated by signal 9 (SIGKILL)", run)
    instance.report_run_failed(run)
    return run.run_id


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of responses that are not marked as simulated, so that they may be served in the real world."""
    folder = tmp_path_factory.mktemp("recorded")
    for name, endpoint in ENDPOINTS.items():
        documents = json.loads(json.dumps(list(Fleet(launches=LAUNCHES).documents(name))).replace(" (simulated)", ""))
        (folder / f"{name}.json").write_text(json.dumps(documents[0] if endpoint.single else documents))
    return folder


@pytest.fixture(scope="module")
def unattended(server: Server, open_folder: Callable[[str], Path], recorded: Path) -> Iterator[Unattended]:
    """One for the tests of a module."""
    name = f"test_{uuid4().hex[:12]}"
    server.ensure_database(name)
    before = dict(os.environ)
    for variable in [name for name in before if name.startswith(("SPACEX_", "DAGSTER_"))]:
        del os.environ[variable]
    with running_simulator(Content(Recordings(recorded))) as source:
        settings = Settings(
            source=source.url,
            database_url=SecretStr(server.url(name)),
            local=open_folder("unattended"),
            automation=True,
            poll_seconds=1,
            http_rate=1000,
        )
        ready = prepare(settings)
        os.environ |= {"SPACEX_AUTOMATION": "true", "SPACEX_POLL_SECONDS": "1", "SPACEX_HTTP_RATE": "1000"}
        try:
            yield Unattended(ready, source, {**os.environ, **environment(ready)})
        finally:
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture
def instance(unattended: Unattended) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as found:
        yield found
