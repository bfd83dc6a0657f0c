"""Dagster's storage over a pool, on a PostgreSQL that goes away in the middle of a run."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.source import Source, open_source
from spacex_assets.load import pools
from spacex_assets.load.pools import pooled_engine
from spacex_assets.local import prepare
from spacex_assets.storage import EventLog


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


def statements(instance: dg.DagsterInstance, action: Callable[[], object]) -> list[str]:
    """What an action sends to PostgreSQL, with a COMMIT for each transaction."""
    sent: list[str] = []
    engine = instance.event_log_storage._engine  # type: ignore[attr-defined]
    sa.event.listen(engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
    sa.event.listen(engine, "commit", lambda _: sent.append("COMMIT"))
    action()
    return sent


def test_an_event_and_what_follows_from_it_are_one_transaction(ready: Settings) -> None:
    with dg.DagsterInstance.get() as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, EventLog)
        instance.report_runless_asset_event(dg.AssetMaterialization("a", tags={"dagster/data_version": "1"}))

        def again() -> None:
            instance.report_runless_asset_event(dg.AssetMaterialization("a", tags={"dagster/data_version": "2"}))

        sent = statements(instance, again)
        assert [statement.split("(")[0].strip() for statement in sent if "SELECT" not in statement] == [
            "INSERT INTO event_logs",
            "INSERT INTO asset_event_tags",
            "INSERT INTO asset_keys",
            "COMMIT",
        ]
        assert not any("pg_catalog" in statement for statement in sent)
        record = instance.get_latest_materialization_event(dg.AssetKey("a"))
        assert record is not None
        assert record.asset_materialization is not None
        assert (record.asset_materialization.tags or {})["dagster/data_version"] == "2"


def test_an_event_whose_consequences_cannot_be_stored_is_not_stored(
    ready: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.get() as instance:

        def broken(*_: object) -> None:
            raise RuntimeError("no asset today")

        monkeypatch.setattr(instance.event_log_storage, "_store_asset_event", broken)
        with pytest.raises(RuntimeError, match="no asset today"):
            instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        monkeypatch.undo()
        assert instance.fetch_materializations(dg.AssetKey("a"), limit=1).records == []


def test_what_a_run_plans_is_stored_in_one_transaction(ready: Settings) -> None:
    @dg.asset
    def one() -> None: ...

    @dg.asset
    def other() -> None: ...

    @dg.asset_check(asset=one)
    def sound() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    with dg.DagsterInstance.get() as instance:
        job = dg.Definitions([one, other], asset_checks=[sound]).resolve_implicit_global_asset_job_def()
        runs: list[dg.DagsterRun] = []
        sent = statements(instance, lambda: runs.append(instance.create_run_for_job(job)))
        (planned,) = (at for at, statement in enumerate(sent) if statement.startswith("INSERT INTO event_logs"))
        follows = sent[planned : planned + sent[planned:].index("COMMIT")]
        assert sum(statement.startswith("INSERT INTO asset_keys") for statement in follows) == 2
        assert sum(statement.startswith("INSERT INTO asset_check_executions") for statement in follows) == 1
        stored = instance.all_logs(runs[0].run_id)
        assert [entry.get_dagster_event().asset_key for entry in stored[:2]] == [one.key, other.key]
        (check,) = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(one.key, "sound"), limit=5
        )
        assert (check.run_id, check.event) == (runs[0].run_id, stored[2])


def test_a_hook_that_had_nothing_to_do_leaves_no_event(ready: Settings) -> None:
    @dg.failure_hook
    def hook(_: dg.HookContext) -> None: ...

    @dg.asset(hooks={hook})
    def sound() -> None: ...

    with dg.DagsterInstance.get() as instance:
        result = dg.materialize([sound], instance=instance)
        assert dg.DagsterEventType.HOOK_SKIPPED in {event.event_type for event in result.all_events}
        stored = {entry.dagster_event_type for entry in instance.all_logs(result.run_id)}
        assert dg.DagsterEventType.HOOK_SKIPPED not in stored
        assert dg.DagsterEventType.STEP_SUCCESS in stored


def test_an_instance_that_is_left_leaves_no_connection(ready: Settings) -> None:
    watcher = sa.create_engine(ready.dagster_url or "", poolclass=sa.NullPool)
    others = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with dg.DagsterInstance.get() as instance:
        instance.get_runs()
        with watcher.connect() as connection:
            assert connection.scalar(others)
    with watcher.connect() as connection:
        deadline = time.monotonic() + 5
        while connection.scalar(others) and time.monotonic() < deadline:
            connection.rollback()
        assert connection.scalar(others) == 0


def test_only_events_from_which_something_follows_are_awaited_on_disk(ready: Settings) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("sound", asset="checked")])
    def checked(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        context.log.info("a line")
        yield dg.Output(None)
        yield dg.AssetCheckResult(passed=True)

    engine = sa.create_engine(ready.dagster_url or "", isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with dg.DagsterInstance.get() as instance, engine.connect() as connection:
        assert instance.event_log_storage.has_table("event_logs")
        connection.exec_driver_sql(
            "CREATE TABLE heard (kind text, awaited text);"
            "CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO heard VALUES "
            "(NEW.dagster_event_type, current_setting('synchronous_commit')); RETURN NEW; END $$;"
            "CREATE TRIGGER hear BEFORE INSERT ON event_logs FOR EACH ROW EXECUTE FUNCTION hear()"
        )
        run = dg.materialize([checked], instance=instance)
        heard = connection.exec_driver_sql("SELECT kind, awaited FROM heard ORDER BY kind").all()
        lines = [entry.user_message for entry in instance.all_logs(run.run_id)]
    kinds = {state: {kind for kind, awaited in heard if awaited == state} for state in ("on", "off")}
    assert kinds["on"] == {
        "ASSET_CHECK_EVALUATION",
        "ASSET_CHECK_EVALUATION_PLANNED",
        "ASSET_MATERIALIZATION",
        "ASSET_MATERIALIZATION_PLANNED",
    }
    assert {"STEP_START", "STEP_SUCCESS", "PIPELINE_SUCCESS", None} <= kinds["off"]
    assert "a line" in lines


def test_a_connection_is_asked_only_after_something_arrived_or_much_time_passed(
    ready: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(PGDialect_psycopg2, "do_ping", lambda *call: asked.append(call) is None)
    engine = pooled_engine(ready.dagster_url or "", pool_size=1, max_overflow=0)

    def use(statement: str = "SELECT 1") -> int:
        before = len(asked)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        return len(asked) - before

    assert [use(), use(), use("LISTEN here")] == [0, 1, 0]
    with engine.connect() as connection:
        connection.exec_driver_sql("LISTEN here")
        connection.commit()
    cutter = sa.create_engine(ready.dagster_url or "", poolclass=sa.NullPool)
    with cutter.begin() as connection:
        connection.exec_driver_sql("NOTIFY here")
    time.sleep(0.1)
    assert use() == 1
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)
    assert use() == 1
    engine.dispose()


def test_verdicts_are_found_where_the_stock_storage_has_them(ready: Settings) -> None:
    @dg.asset
    def judged() -> None: ...

    @dg.asset_check(asset=judged)
    def good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    @dg.asset_check(asset=judged)
    def bad() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    keys = {name: dg.AssetCheckKey(judged.key, name) for name in ("good", "bad", "outside")}
    with dg.DagsterInstance.get() as instance:
        run = dg.materialize([judged, good, bad], instance=instance)
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=judged.key, check_name="outside", passed=True)
        )
        storage = instance.event_log_storage
        found = {name: storage.get_asset_check_execution_history(key, limit=5) for name, key in keys.items()}
        (materialized,) = instance.fetch_materializations(judged.key, limit=5).records
    assert {name: [(one.status.value, one.run_id) for one in records] for name, records in found.items()} == {
        "good": [("SUCCEEDED", run.run_id)],
        "bad": [("FAILED", run.run_id)],
        "outside": [("SUCCEEDED", "")],
    }
    (good_one,) = found["good"]
    assert good_one.event is not None
    evaluation = good_one.event.get_dagster_event().asset_check_evaluation_data
    assert evaluation.target_materialization_data is not None
    assert evaluation.target_materialization_data.storage_id == materialized.storage_id
    assert good_one.event.dagster_event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
