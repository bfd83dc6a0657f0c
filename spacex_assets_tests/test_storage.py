"""Dagster's storage over a pool, on a PostgreSQL that goes away in the middle of a run."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.source import Source, open_source
from spacex_assets.local import prepare


@pytest.fixture
def ready(open_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with an embedded PostgreSQL of their own."""
    monkeypatch.setattr(os, "environ", {**os.environ})
    folder = open_folder("storage")
    yield prepare(Settings(source="simulated", local=folder, simulated_launches=10, http_rate=1000))
    EmbeddedPostgres(folder / "postgres").stop()


class RestartingSource:
    """Kills PostgreSQL with -9 and starts it again before it fetches the sixth endpoint."""

    identity = "restarting"

    def __init__(self, source: Source, postgres: EmbeddedPostgres) -> None:
        self.source, self.postgres, self.fetched = source, postgres, 0

    def fetch(self, endpoint: Endpoint, lake: RawLake, last_loaded: int | None = None) -> Snapshot:
        self.fetched += 1
        if self.fetched == 6:
            running = self.postgres.running()
            assert running is not None
            os.kill(running.pid, signal.SIGKILL)
            assert self.postgres.start().pid != running.pid
        return self.source.fetch(endpoint, lake, last_loaded)


def test_a_run_survives_that_postgresql_is_killed_and_restarted(ready: Settings) -> None:
    postgres = EmbeddedPostgres(ready.local / "postgres")
    with open_source(ready) as source, dg.DagsterInstance.get() as instance:
        for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            assert isinstance(storage._engine.pool, sa.QueuePool)  # type: ignore[union-attr]
        definitions = build_defs(ready, {"source": RestartingSource(source, postgres)})
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        assert result.success
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.SUCCESS
        stored = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        assert len(stored) == len(result.get_asset_materialization_events()) == 14 + 23 + 23
    engine = sa.create_engine(ready.warehouse_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM spacex.launches").scalar_one() == 10
    engine.dispose()


def test_the_webservers_storage_survives_that_its_connections_are_cut(ready: Settings) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=4321, pool_recycle=3600, max_overflow=20)
        assert instance.get_runs() == []
        with instance.run_storage._engine.connect() as connection:  # type: ignore[attr-defined]
            assert connection.scalar(sa.text("SHOW statement_timeout")) == "4321ms"
        cutter = sa.create_engine(ready.dagster_url or "", poolclass=sa.NullPool)
        with cutter.connect() as connection:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            assert connection.scalar(sa.text(f"SELECT count(pg_terminate_backend(pid)) {others}"))
        assert instance.get_runs() == []
        assert instance.all_instigator_state() == []
