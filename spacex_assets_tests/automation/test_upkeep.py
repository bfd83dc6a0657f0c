"""The daily upkeep over a platform that has run for long: what goes, what stays, and that nothing notices."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from spacex_assets import retries
from spacex_assets.automation import upkeep
from spacex_assets.automation.runs import delete_run, expendable_runs, telling_runs
from spacex_assets.automation.upkeep import plan, upkeep_here
from spacex_assets.checks.look import findings
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs, typed_lake
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.store import open_store
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.local import prepare
from spacex_assets_tests.conftest import Platform

LAUNCH = "5e9d0d9551a0070000000003"
TABLES = [layout.name for name in ("launches", "cores") for layout in ENDPOINTS[name].layouts]
KEYS = [["raw", "launches"], ["raw", "cores"], *([room, table] for table in TABLES for room in ("typed", "spacex"))]


class Aged:
    """A platform whose runs and files can be made to be of any age."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.settings = platform, prepare(Settings())
        self.instance = dg.DagsterInstance.get()
        self.warehouse = Warehouse(sa.create_engine(platform.url, poolclass=sa.NullPool))
        self.lake = self.settings.lake_folder
        self.storage = sa.create_engine(str(self.settings.dagster_url), poolclass=sa.NullPool)

    def run(self, *keys: str) -> str:
        """A run of the graph over launches and cores, or over these assets; its id."""
        job = build_defs(self.settings).resolve_implicit_global_asset_job_def()
        selection = [dg.AssetKey(key.split("/")) for key in keys] or [dg.AssetKey(key) for key in KEYS]
        return job.execute_in_process(instance=self.instance, asset_selection=selection, raise_on_error=False).run_id

    def age(self, days: int) -> None:
        """Makes every run and every file so much older."""
        with self.storage.begin() as connection:
            for column in ("create_timestamp", "update_timestamp"):
                connection.exec_driver_sql(f"UPDATE runs SET {column} = {column} - interval '{days} days'")
        for path in [path for path in self.lake.rglob("*") if path.is_file()]:
            moment = path.stat().st_mtime - days * 86_400
            os.utime(path, (moment, moment))

    def runs(self) -> set[str]:
        return {run.run_id for run in self.instance.get_runs()}

    def told(self) -> dict[object, object]:
        """What the UI tells of assets and checks: the last materialization, its data version, the last verdict."""
        graph = build_defs(self.settings).resolve_asset_graph()
        keys = [dg.AssetKey(key) for key in KEYS]
        checks = [key for key in graph.asset_check_keys if key.asset_key in keys]
        verdicts = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
        materializations = {key: self.instance.get_latest_materialization_event(key) for key in keys}
        fetched = {key: self.instance.fetch_materializations(key, limit=1).records[0].storage_id for key in keys}
        assert all(materializations.values()) and verdicts
        return {
            **materializations,
            **{key: (record.run_id, record.status, record.event) for key, record in verdicts.items()},
            **{("fetched", key): storage_id for key, storage_id in fetched.items()},
            "runs": {record.run_id for record in verdicts.values()} - self.runs(),
        }

    def count(self, table: str) -> int:
        with self.storage.connect() as connection:
            return int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)

    def files(self) -> set[Path]:
        return {path.relative_to(self.lake) for path in self.lake.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def aged(platform: Platform) -> Iterator[Aged]:
    aged = Aged(platform)
    yield aged
    aged.instance.dispose()
    aged.storage.dispose()
    aged.warehouse.close()


def test_a_platform_after_long_silence_loses_what_nobody_needs(aged: Aged) -> None:
    """Two full loads, a run of one layer only, one that failed; then nothing for 100 days."""
    first = aged.run()
    aged.platform.edit("launches", LAUNCH, {"details": "corrected"})
    second = aged.run()
    cores_only = aged.run("raw/cores")
    failed = aged.run("raw/ships")
    aged.platform.call("simulator", "reset")
    before, runs_before = aged.files(), aged.count("event_logs")
    told = aged.told()
    assert told["runs"] == set()
    aged.age(100)

    dry = upkeep_here(aged.settings, dry_run=True)
    assert aged.files() == before and aged.count("event_logs") == runs_before and aged.runs() >= {first, second}
    assert upkeep_here(aged.settings, dry_run=False) == dry
    assert upkeep_here(aged.settings, dry_run=False) == ["Nothing is old enough to go."]

    assert first not in aged.runs()
    assert {second, cores_only, failed} <= aged.runs()
    assert aged.told() == told
    for table in ("event_logs", "asset_check_executions", "run_tags"):
        with aged.storage.connect() as connection:
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {table} WHERE run_id = '{first}'")) == 0
    gone = before - aged.files()
    assert len([path for path in gone if path.parts[0] == "raw" and path.parts[-2] != "runs"]) == 1
    assert {path.stem for path in gone if path.parts[-2] == "runs"} == {first, cores_only, failed}
    assert {path.parts[1] for path in gone if path.parts[0] == "typed"} == {
        layout.name for layout in ENDPOINTS["launches"].layouts
    }
    assert any(line.startswith("raw bodies ") and line.split()[2] == "1" for line in dry)


def test_the_checks_on_the_tables_still_find_the_snapshot_that_was_loaded(aged: Aged) -> None:
    for name in ("launches", "cores"):
        integrity, _ = findings(ENDPOINTS[name], aged.warehouse, typed_lake(aged.settings), aged.settings)
        assert integrity.findings == (), integrity


def test_the_next_run_changes_only_what_the_source_changed(aged: Aged) -> None:
    run_id = aged.run()
    rows = aged.platform.rows(
        f"SELECT table_name, rows_inserted, rows_updated, rows_deleted FROM ops.loads WHERE run_id = '{run_id}' "
        f"AND rows_inserted + rows_updated + rows_deleted > 0"
    )
    assert rows == [("launches", 0, 1, 0)]


def test_runs_that_are_not_finished_stay_with_their_pins(aged: Aged) -> None:
    run_id = aged.run("raw/cores")
    aged.run("raw/cores")
    aged.age(500)
    with aged.storage.begin() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET status = 'STARTED' WHERE run_id = '{run_id}'")
    planned = plan(aged.instance, aged.warehouse, open_store(aged.settings), aged.settings, datetime.now(UTC))
    assert run_id not in {run.run_id for run in planned.runs} | {file.run_id for file in planned.files}
    with aged.storage.begin() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET status = 'FAILURE' WHERE run_id = '{run_id}'")
    planned = plan(aged.instance, aged.warehouse, open_store(aged.settings), aged.settings, datetime.now(UTC))
    assert run_id in {run.run_id for run in planned.runs} & {file.run_id for file in planned.files}


def test_a_body_with_an_open_quarantine_entry_stays(aged: Aged) -> None:
    aged.platform.edit("launches", LAUNCH, {"flight_number": "four"})
    aged.run()
    (sha256,) = aged.platform.rows("SELECT sha256 FROM ops.quarantine WHERE resolved_at IS NULL")[0]
    aged.platform.call("simulator", "reset")
    aged.run("raw/launches")
    aged.platform.rows("UPDATE ops.loads SET outcome = 'failed' WHERE sha256 = %s" % f"'{sha256}'")  # noqa: UP031
    aged.age(500)
    upkeep_here(aged.settings, dry_run=False)
    assert Path(f"raw/launches/{sha256}.json") in aged.files()
    aged.platform.rows("UPDATE ops.quarantine SET resolved_at = now(), resolution = 'healthy'")
    upkeep_here(aged.settings, dry_run=False)
    assert Path(f"raw/launches/{sha256}.json") not in aged.files()


def test_history_goes_only_where_it_is_asked_for(aged: Aged) -> None:
    aged.platform.rows("UPDATE spacex.cores SET serial = serial || ' by hand'")
    aged.platform.rows(
        "UPDATE history.cores SET (valid_from, valid_to) = (valid_from - interval '400d', valid_to - interval '400d')"
    )
    versions = len(aged.platform.rows("SELECT FROM history.cores"))
    assert versions > 1
    assert not any("history.cores" in line for line in upkeep_here(aged.settings, dry_run=True))
    settings = aged.settings.model_copy(update={"keep_history_days": 365.0})
    (line,) = [line for line in upkeep_here(settings, dry_run=True) if "history.cores" in line]
    assert int(line.split()[3]) == versions
    assert line in upkeep_here(settings, dry_run=False)
    assert aged.platform.rows("SELECT FROM history.cores") == []


def test_the_job_does_the_same_and_its_dry_run_nothing(aged: Aged) -> None:
    stale = aged.run("raw/cores")
    aged.run("raw/cores")
    aged.age(500)
    job = build_defs(aged.settings).resolve_job_def("upkeep")
    for dry_run in (True, False):
        config = {"ops": {"delete_what_is_old": {"config": {"dry_run": dry_run}}}}
        result = job.execute_in_process(instance=aged.instance, run_config=config)
        messages = [entry.user_message for entry in aged.instance.all_logs(result.run_id)]
        assert any(message.startswith("would go: " if dry_run else "went: ") for message in messages)
        assert (stale in aged.runs()) is dry_run


def test_a_fault_half_way_is_repeated_and_the_rest_goes(aged: Aged, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = {aged.run("raw/cores"), aged.run("raw/cores")}
    aged.run("raw/cores")
    aged.age(500)
    deleted = []

    def fail_at_the_second(instance: dg.DagsterInstance, run_id: str) -> None:
        deleted.append(run_id)
        if len(deleted) == 2:
            raise ConnectionResetError("gone")
        delete_run(instance, run_id)

    monkeypatch.setattr(upkeep, "delete_run", fail_at_the_second)
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.0)
    job = build_defs(aged.settings).resolve_job_def("upkeep")
    assert job.execute_in_process(instance=aged.instance).success
    assert len(deleted) == len(set(deleted)) + 1
    assert not stale & aged.runs()


def test_the_schedule_runs_every_night_and_deletes(aged: Aged) -> None:
    schedule = build_defs(aged.settings).resolve_schedule_def("upkeep_daily")
    moment = datetime(2026, 1, 1, 3, 17, tzinfo=UTC)
    tick = schedule.evaluate_tick(dg.build_schedule_context(aged.instance, moment))
    assert tick.run_requests is not None
    assert [request.run_config for request in tick.run_requests] == [{}]


def test_an_interrupted_deletion_is_taken_up_again(aged: Aged) -> None:
    stale = aged.run("raw/cores")
    aged.run("raw/cores")
    aged.age(500)
    aged.instance.event_log_storage.delete_events(stale)
    (found,) = [run for run in expendable_runs(aged.instance, datetime.now(UTC)) if run.run_id == stale]
    assert (found.events, found.size) == (0, 0)
    delete_run(aged.instance, stale)
    assert stale not in aged.runs()


def test_the_run_that_last_judged_a_check_stays_though_its_asset_was_made_anew(aged: Aged) -> None:
    judged = aged.run()
    aged.run("raw/cores", "typed/cores", "spacex/cores")
    aged.run(*(f"spacex/{table}" for table in TABLES))
    assert judged in telling_runs(aged.instance)


def test_the_command_prints_what_goes(aged: Aged) -> None:
    os.environ["SPACEX_KEEP_EVENTS_DAYS"] = "1"
    aged.run("raw/cores")
    aged.run("raw/cores")
    aged.age(2)
    dry = aged.platform.call("upkeep", "--dry-run").stdout
    assert dry.startswith("runs of Dagster ")
    assert aged.platform.call("upkeep").stdout == dry
    assert aged.platform.call("upkeep").stdout == "Nothing is old enough to go.\n"


def test_what_is_a_day_old_stays(aged: Aged) -> None:
    before = aged.files()
    aged.run()
    now = datetime.now(UTC) + timedelta(hours=23)
    planned = plan(aged.instance, aged.warehouse, open_store(aged.settings), aged.settings, now)
    assert planned.runs == ()
    assert not {Path(file.stored.name) for file in planned.files} - before
