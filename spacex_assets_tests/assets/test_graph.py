"""The asset graph as users meet it: in process, on real PostgreSQL, with a source that they correct."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from spacex_assets.assets.raw import fetch_snapshot
from spacex_assets.assets.typed import typed_snapshot
from spacex_assets.config import SettingMissing, Settings, World, with_driver
from spacex_assets.definitions import build_defs
from spacex_assets.embedded import Server
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.source import open_source
from spacex_assets.extract.store import Folder
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.local import ROOT, environment, prepare
from spacex_assets.run import failures, run_everything, summary
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.faults import Fault
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import running_simulator
from spacex_assets_tests.conftest import unmark


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    engine = sa.create_engine(database_url)
    upgrade(engine)
    Warehouse(engine).claim(World.SIMULATED)
    engine.dispose()
    return Settings(
        source="simulated", database_url=SecretStr(database_url), local=tmp_path, simulated_launches=30, http_rate=1000
    )


def materialize(settings: Settings, **options: Any) -> dg.ExecuteInProcessResult:
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False, **options)


def test_a_run_that_fails_before_its_first_step_is_a_failure(settings: Settings) -> None:
    result = materialize(settings.model_copy(update={"source": str(settings.local)}))
    (failed,) = failures(result)
    assert failed.step == "the run"
    assert "never mix" in failed.reason


def counts(result: dg.ExecuteInProcessResult) -> dict[str, tuple[int, int, int, int]]:
    names = ("inserted", "updated", "deleted", "unchanged")
    return {
        event.asset_key.path[-1]: tuple(event.materialization.metadata[f"rows_{name}"].value for name in names)
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.path[0] == "spacex"
    }  # type: ignore[misc]


def rows(settings: Settings, statement: str) -> list[Any]:
    engine = sa.create_engine(settings.warehouse_url)
    try:
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result.all()) if result.returns_rows else []
    finally:
        engine.dispose()


def edit(settings: Settings, endpoint: str, change: dict[str, Any] | None, index: int = 0) -> str:
    content = Content(
        Fleet(settings.simulated_seed, settings.simulated_launches), settings.local / "simulator/edits.json"
    )
    document_id = list(content.documents(endpoint))[index]["id"]
    content.edit(endpoint, document_id, change)
    return str(document_id)


def test_a_rerun_writes_nothing_and_a_correction_changes_exactly_its_row(settings: Settings) -> None:
    first = materialize(settings)
    assert first.success
    assert counts(first)["launches"] == (30, 0, 0, 0)
    assert len(counts(first)) == 23
    second = counts(materialize(settings))
    assert all((inserted, updated, deleted) == (0, 0, 0) for inserted, updated, deleted, _ in second.values())
    launch = edit(settings, "launches", {"details": "corrected"})
    third = counts(materialize(settings))
    assert third["launches"] == (0, 1, 0, 29)
    assert {name for name, count in third.items() if count[:3] != (0, 0, 0)} == {"launches"}
    assert rows(settings, f"SELECT details FROM spacex.launches WHERE id = '{launch}'") == [("corrected",)]


def test_a_document_that_leaves_the_source_leaves_all_its_tables(settings: Settings) -> None:
    materialize(settings)
    launch = edit(settings, "launches", None, index=10)
    changed = counts(materialize(settings))
    assert changed["launches"] == (0, 0, 1, 29)
    assert changed["launch_cores"][2] >= 1
    assert rows(settings, f"SELECT count(*) FROM spacex.launch_cores WHERE launch_id = '{launch}'") == [(0,)]


def test_materializations_carry_what_the_ui_shows(settings: Settings) -> None:
    result = materialize(settings)
    defs = build_defs(settings)
    key = dg.AssetKey(["spacex", "launches"])
    static = defs.resolve_asset_graph().get(key).metadata
    schema: Any = static["dagster/column_schema"]
    columns = {column.name: column for column in getattr(schema, "schema", schema).columns}
    assert columns["date_utc"].type == "timestamp with time zone"
    assert "Source: date_utc" in columns["date_utc"].description
    table_name: Any = static["dagster/table_name"]
    assert getattr(table_name, "value", table_name) == "spacex.launches"
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    assert event.materialization.metadata["dagster/row_count"].value == 30


def test_every_column_is_traced_from_its_table_through_its_frame_to_its_path_in_the_document() -> None:
    graph = build_defs(Settings(source="simulated")).resolve_asset_graph()

    def origins(key: dg.AssetKey) -> dict[str, tuple[str, str]]:
        metadata: Any = graph.get(key).metadata
        lineage, schema = (metadata[f"dagster/column_{what}"] for what in ("lineage", "schema"))
        deps = getattr(lineage, "column_lineage", lineage).deps_by_column
        found = {name: (dep.asset_key.to_user_string(), dep.column_name) for name, (dep,) in deps.items()}
        shown = {column.name: dict(column.tags) for column in getattr(schema, "schema", schema).columns}
        assert shown == {name: {asset: column} for name, (asset, column) in found.items()}
        return found

    for endpoint in ENDPOINTS.values():
        for layout in endpoint.layouts:
            of_table, of_frame = (origins(dg.AssetKey([layer, layout.name])) for layer in ("spacex", "typed"))
            assert of_table == {name: (f"typed/{layout.name}", name) for name in layout.schema}
            assert of_frame == {column.name: (f"raw/{endpoint.name}", column.source) for column in layout.columns}
    assert origins(dg.AssetKey(["typed", "launch_cores"]))["core_id"] == ("raw/launches", "cores[].core")


def test_the_data_version_of_a_raw_asset_is_its_sha256(settings: Settings) -> None:
    result = materialize(settings)
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(["raw", "cores"])]
    tags = event.materialization.tags or {}
    assert tags["dagster/data_version"] == event.materialization.metadata["sha256"].value


def test_one_failed_endpoint_fails_the_run_but_stops_no_other(settings: Settings) -> None:
    materialize(settings)
    unmark(settings.local, "launches", edit(settings, "launches", {"name": "Starlink 4"}, index=1))
    edit(settings, "cores", {"last_update": "corrected"})
    result = materialize(settings)
    assert not result.success
    ((failed),) = failures(result)
    assert failed.step == "typed_launches"
    assert "1 document(s) are real, this is the simulated world" in failed.reason
    assert counts(result)["cores"][1] == 1
    assert rows(settings, "SELECT count(*) FROM spacex.launches") == [(30,)]
    text = summary(settings, result)
    assert [line.split()[1] for line in text.splitlines() if line.startswith(("launches", "cores"))] == [
        str(len(list(Fleet(launches=30).documents("cores")))),
        "-",
    ]


def test_only_the_client_repeats_a_request(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    with running_simulator(Content(Fleet(launches=5))) as simulator:
        simulator.faults.add(Fault(kind="status", status=404, times=None))
        settings = Settings(source=simulator.url, database_url=SecretStr(database_url), local=tmp_path, http_rate=1000)
        engine = sa.create_engine(database_url)
        upgrade(engine)
        Warehouse(engine).claim(World.REAL)
        engine.dispose()
        result = materialize(settings)
    assert len(list(failures(result))) == 14
    assert not any(event.event_type_value == "STEP_RESTARTED" for event in result.all_events)


def test_a_table_that_cannot_be_written_leaves_its_endpoint_unreported_and_its_error_in_the_ledger(
    settings: Settings,
) -> None:
    engine = sa.create_engine(settings.warehouse_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE spacex.launch_payloads ADD CHECK (position < 0)")
    result = materialize(settings)
    reported = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    assert "launch_payloads" not in counts(result)
    assert "launches" not in counts(result)
    assert {"launches", "cores"} <= reported
    with engine.connect() as connection:
        errors = connection.exec_driver_sql("SELECT DISTINCT error FROM ops.loads WHERE endpoint = 'launches'").all()
    assert "CheckViolation" in errors[0][0]
    engine.dispose()


def test_a_document_that_breaks_its_record_stops_nothing(settings: Settings) -> None:
    materialize(settings)
    document_id = edit(settings, "launches", {"flight_number": "seven"})
    result = materialize(settings)
    assert result.success
    assert counts(result)["launches"] == (0, 0, 0, 29)
    row_counts = {
        event.asset_key.path[-1]: event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.path[0] == "spacex"
    }
    assert row_counts["launches"] == 30
    engine = sa.create_engine(settings.warehouse_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT document_id FROM ops.retained").scalar_one() == document_id
    engine.dispose()


def test_an_element_that_is_no_document_stops_nothing_and_costs_no_row(settings: Settings) -> None:
    with running_simulator(Content(Fleet(launches=30))) as simulator:
        served = settings.model_copy(update={"simulator_url": simulator.url})
        assert materialize(served).success
        lost, *others = simulator.content.documents("launches")
        simulator.faults.add(Fault(kind="body", endpoint="launches", body=json.dumps([None, *others])))
        result = materialize(served)
    assert result.success
    assert [one for one in result.get_asset_check_evaluations() if not one.passed and one.check_name != "quality"] == []
    assert counts(result)["launches"] == (0, 0, 0, 29)
    assert rows(settings, "SELECT document, documents FROM ops.quarantine") == [("null", 1)]
    assert rows(settings, "SELECT document_id FROM ops.retained") == [(lost["id"],)]
    assert rows(settings, "SELECT count(*) FROM spacex.launches") == [(30,)]


def test_an_older_snapshot_that_comes_late_is_superseded(settings: Settings) -> None:
    materialize(settings)
    rows(settings, "UPDATE ops.loads SET fetched_at = fetched_at + interval '1 day'")
    edit(settings, "cores", {"last_update": "corrected"})
    result = materialize(settings)
    assert result.success
    assert counts(result) == {}
    assert {row[0] for row in rows(settings, f"SELECT outcome FROM ops.loads WHERE run_id = '{result.run_id}'")} == {
        "superseded"
    }
    forced = materialize(settings.model_copy(update={"force": True}))
    assert counts(forced)["cores"][1] == 1


def test_the_core_of_each_asset_is_a_plain_function(settings: Settings, tmp_path: Path) -> None:
    endpoint, lake = ENDPOINTS["cores"], RawLake(Folder(tmp_path / "lake"))
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    with open_source(settings) as source:
        snapshot = fetch_snapshot(endpoint, source, lake, warehouse)
    warehouse.close()
    assert typed_snapshot(endpoint, snapshot, settings).frames["cores"].height == snapshot.documents


def test_a_load_killed_in_the_middle_leaves_all_tables_as_they_were(settings: Settings) -> None:
    materialize(settings)
    before = rows(settings, "SELECT id, name FROM spacex.launches ORDER BY id")
    edit(settings, "launches", {"name": "New"})
    code = (
        "import sys, time; from spacex_assets.config import Settings; from spacex_assets import definitions as d;"
        "from spacex_assets.load import transaction as t; write = t.EndpointLoad.write\n"
        "def slow(self, layout):\n"
        "    counts = write(self, layout)\n"
        "    if self.origin.endpoint == 'launches':\n"
        "        print('written', flush=True); time.sleep(60)\n"
        "    return counts\n"
        "t.EndpointLoad.write = slow\n"
        "d.defs.resolve_implicit_global_asset_job_def().execute_in_process()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, **child(settings)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert rows(settings, "SELECT id, name FROM spacex.launches ORDER BY id") == before
    assert counts(materialize(settings))["launches"] == (0, 1, 0, 29)


def child(settings: Settings) -> dict[str, str]:
    return {
        "SPACEX_SOURCE": settings.source,
        "SPACEX_LOCAL": str(settings.local),
        "SPACEX_DATABASE_URL": settings.warehouse_url,
        "SPACEX_SIMULATED_LAUNCHES": str(settings.simulated_launches),
        "SPACEX_HTTP_RATE": "1000",
    }


@pytest.fixture
def ready(server: Server, database_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Everything prepared as the command line does, on an external PostgreSQL."""
    before = dict(os.environ)
    yield prepare(
        Settings(
            source="simulated",
            database_url=SecretStr(database_url.replace("+psycopg2", "")),
            local=tmp_path,
            simulated_launches=10,
            http_rate=1000,
        )
    )
    os.environ.clear()
    os.environ.update(before)


def test_an_external_postgresql_serves_and_gets_a_database_for_dagster_beside(
    ready: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_everything(ready) == []
    assert "total" in capsys.readouterr().out
    assert ready.dagster_url == f"{ready.warehouse_url}_dagster"
    with dg.DagsterInstance.get() as instance:
        for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            assert isinstance(storage._engine.pool, sa.QueuePool)  # type: ignore[union-attr]
        assert instance.get_runs_count() == 1


def test_the_pooled_storage_survives_that_its_connections_are_cut(ready: Settings) -> None:
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs_count() == 0
        rows(ready, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE '%%\\_dagster'")
        time.sleep(0.1)
        assert instance.get_runs_count() == 0


def test_the_commands_of_the_readme_work_in_the_prepared_environment(ready: Settings) -> None:
    program = str(Path(sys.executable).with_name("dagster"))
    env = {**os.environ, **environment(ready), "SPACEX_SIMULATED_LAUNCHES": "10", "SPACEX_HTTP_RATE": "1000"}
    for arguments in (
        ["definitions", "validate"],
        ["asset", "materialize", "--select", 'key:"raw/launches"+'],
        ["asset", "materialize", "--select", "tag:endpoint=launches and not group:raw"],
        ["asset", "materialize", "--select", "tag:endpoint=launches and group:spacex"],
    ):
        assert f"dagster {shlex.join(arguments)}" in (ROOT / "README.md").read_text()
        done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert rows(ready, "SELECT count(*) FROM spacex.launches") == [(10,)]
    assert rows(ready, "SELECT count(*) FROM spacex.cores") == [(0,)]
    loads = "SELECT table_name, count(*) FROM ops.loads WHERE outcome = 'loaded' GROUP BY table_name ORDER BY 1"
    assert rows(ready, loads) == sorted((layout.name, 3) for layout in ENDPOINTS["launches"].layouts)


def test_settings_say_what_is_missing_and_spell_the_driver() -> None:
    with pytest.raises(SettingMissing, match="SPACEX_DATABASE_URL is not set"):
        _ = Settings(database_url=None).warehouse_url
    assert with_driver("postgres://h/d") == with_driver("postgresql://h/d") == "postgresql+psycopg2://h/d"
    assert "s3cret" not in repr(Settings(database_url=SecretStr("postgresql://u:s3cret@h/d")))


def test_the_command_line_ends_with_1_and_names_what_failed(database_url: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for name, endpoint in ENDPOINTS.items():
        values = json.loads(json.dumps(list(Fleet(launches=10).documents(name))).replace(" (simulated)", ""))
        (archive / f"{name}.json").write_text(json.dumps(values[0] if endpoint.single else values))
    env = {**os.environ, "SPACEX_DATABASE_URL": database_url, "SPACEX_LOCAL": str(tmp_path / "local")}
    command = [sys.executable, "-m", "spacex_assets", "--source", str(archive), "run"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (archive / "ships.json").unlink()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "raw__ships" in done.stderr
    assert "ships.json, found no such file" in done.stderr
    crossed = [sys.executable, "-m", "spacex_assets", "--source", "simulated", "run"]
    done = subprocess.run(crossed, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "never mix" in done.stderr
    assert "Traceback" not in done.stderr
