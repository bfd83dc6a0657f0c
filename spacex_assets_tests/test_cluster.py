"""One graph on one machine or on many: whatever the lake is and wherever the steps execute, the tables are the same."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from spacex_assets.automation.executors import ExecutorMissing, executor
from spacex_assets.config import Executor
from spacex_assets.embedded import Server
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.ledger import LOADS
from spacex_assets_tests.object_store import ObjectStore

LAYOUTS = [layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts]
FEW = ("cores", "launches")
COUNTS = ("inserted", "updated", "deleted", "unchanged")


@dataclass(frozen=True)
class Site:
    """A place where the platform runs: a warehouse, a folder, and settings in the environment."""

    url: str
    local: Path
    environment: dict[str, str]

    def call(self, *arguments: str) -> str:
        """Calls a module in a process of its own; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout + done.stderr

    def materialize(self, *endpoints: str) -> str:
        """Runs all of some endpoints as Dagster's command line does."""
        self.call("spacex_assets", "migrate")
        selection = " or ".join(f'key:"raw/{name}"+' for name in endpoints)
        return self.call("dagster", "asset", "materialize", "--select", selection)

    def query(self, statement: Any, url: str | None = None) -> list[tuple[Any, ...]]:
        engine = sa.create_engine(url or self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(statement)]

    def steps_in_processes(self) -> list[str]:
        """The steps that had a process of their own, by Dagster's event log."""
        started = "SELECT step_key FROM event_logs WHERE dagster_event_type = 'STEP_WORKER_STARTED'"
        return [step for (step,) in self.query(sa.text(started), f"{self.url}_dagster")]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, without what differs from run to run."""
        return {
            layout.name: self.query(
                sa.select(*(sa.column(column.name) for column in layout.columns))
                .select_from(sa.table(layout.name, schema="spacex"))
                .order_by(*(sa.column(name) for name in layout.key))
            )
            for layout in LAYOUTS
        }

    def counts(self) -> dict[str, list[int]]:
        """By table, what its last load did."""
        loads = LOADS.c
        query = (
            sa.select(loads.table_name, *(loads[f"rows_{what}"] for what in COUNTS))
            .distinct(loads.table_name)
            .order_by(loads.table_name, loads.id.desc())
        )
        return {str(name): counts for name, *counts in self.query(query)}


@pytest.fixture(scope="module")
def site(server: Server, open_folder: Callable[[str], Path]) -> Callable[..., Site]:
    """Makes sites with empty warehouses."""

    def make(**more: str) -> Site:
        name = f"site_{uuid4().hex[:12]}"
        server.ensure_database(name)
        server.ensure_database(f"{name}_dagster")
        local = open_folder("site")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SPACEX_", "DAGSTER_"))}
        environment |= {
            "SPACEX_DATABASE_URL": server.url(name),
            "SPACEX_LOCAL": str(local),
            "SPACEX_SIMULATED_LAUNCHES": "30",
            "SPACEX_HTTP_RATE": "1000",
            "SPACEX_DAGSTER_DATABASE_URL": server.url(f"{name}_dagster"),
            "DAGSTER_HOME": str(local / "dagster" / "simulated"),
            "DAGSTER_MODULE_NAME": "spacex_assets.definitions",
            **more,
        }
        return Site(server.url(name), local, environment)

    return make


@pytest.fixture(scope="module")
def alone(site: Callable[..., Site]) -> Site:
    """All on one machine, after one run."""
    made = site()
    made.call("spacex_assets", "run")
    return made


@pytest.fixture(scope="module")
def remote(site: Callable[..., Site], object_store: ObjectStore) -> Site:
    """The lake in an object store, before any run."""
    return site(SPACEX_LAKE=f"s3://{object_store.bucket()}/lake", **object_store.environment)


def test_with_an_s3_lake_tables_and_counts_are_those_of_a_local_lake(alone: Site, remote: Site) -> None:
    remote.call("spacex_assets", "run")
    assert remote.tables() == alone.tables()
    assert remote.counts() == alone.counts()
    assert sum(inserted for inserted, *_ in remote.counts().values()) == sum(map(len, alone.tables().values())) > 2000


def test_the_second_run_with_an_s3_lake_changes_nothing_though_the_machine_is_new(alone: Site, remote: Site) -> None:
    shutil.rmtree(remote.local / "lake")
    remote.call("spacex_assets", "run")
    assert remote.tables() == alone.tables()
    assert all(counts[:3] == [0, 0, 0] for counts in remote.counts().values())


@pytest.fixture(scope="module")
def apart(site: Callable[..., Site], object_store: ObjectStore) -> Site:
    """A process per step and the lake in an object store, before any run."""
    lake = f"s3://{object_store.bucket()}/lake"
    return site(SPACEX_LAKE=lake, SPACEX_EXECUTOR="multiprocess", **object_store.environment)


def test_with_a_process_per_step_and_an_s3_lake_tables_and_counts_are_the_same(alone: Site, apart: Site) -> None:
    apart.materialize(*FEW)
    assert sorted(apart.steps_in_processes()) == sorted(
        step.format(name) for name in FEW for step in ("raw__{}", "typed_{}", "guard_{}", "spacex_{}", "check_{}")
    ), "every step had a process of its own"
    tables = {layout.name for name in FEW for layout in ENDPOINTS[name].layouts}
    assert {name: rows for name, rows in apart.tables().items() if rows} == {
        name: rows for name, rows in alone.tables().items() if name in tables and rows
    }
    assert apart.counts() == {name: counts for name, counts in alone.counts().items() if name in tables}


def test_our_own_commands_use_the_executor_too_and_all_steps_see_one_snapshot(alone: Site, apart: Site) -> None:
    code = "from spacex_assets.config import Settings; from spacex_assets.run import run_from_snapshots;"
    done = subprocess.run(
        [sys.executable, "-c", f"{code} assert run_from_snapshots(Settings(), ['cores']) == []"],
        env=apart.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert apart.steps_in_processes().count("spacex_cores") == 2
    assert apart.counts()["cores"] == [0, 0, 0, len(alone.tables()["cores"])]


def test_pods_need_a_package_that_is_named() -> None:
    if find_spec("dagster_k8s"):
        assert executor(Executor.K8S).name == "k8s"
        return
    with pytest.raises(ExecutorMissing, match=r"SPACEX_EXECUTOR=k8s: expected dagster-k8s .*spacex-assets\[kubernetes"):
        executor(Executor.K8S)
