"""Drift as users meet it: the asset graph on a simulated source that misbehaves."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from spacex_assets.config import ContractMode, Settings, World
from spacex_assets.definitions import build_defs
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.fleet import Fleet


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    engine = sa.create_engine(database_url)
    upgrade(engine)
    Warehouse(engine).claim(World.SIMULATED)
    engine.dispose()
    return Settings(source="simulated", database_url=SecretStr(database_url), local=tmp_path, simulated_launches=30)


def edit(settings: Settings, endpoint: str, change: dict[str, Any]) -> None:
    fleet = Fleet(settings.simulated_seed, settings.simulated_launches)
    content = Content(fleet, settings.local / "simulator/edits.json")
    content.edit(endpoint, next(iter(content.documents(endpoint)))["id"], change)


def run(settings: Settings) -> tuple[dg.ExecuteInProcessResult, dg.AssetCheckEvaluation | None]:
    """The run of everything, and what the check on the cores found if it was reached."""
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    found = {
        evaluation.asset_key.path[-1]: evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == "drift"
    }
    assert all(evaluation.passed for name, evaluation in found.items() if name != "cores")
    return result, found.get("cores")


def test_an_undeclared_field_and_value_warn_with_path_and_example_and_stop_nothing(settings: Settings) -> None:
    result, found = run(settings)
    assert (result.success, found and found.passed) == (True, True)
    edit(settings, "cores", {"news": "a first", "status": "resting"})
    for _ in range(2):
        result, found = run(settings)
        assert result.success
        assert found is not None
        assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
        table: Any = found.metadata["found"]
        rows = {(row.data["rule"], row.data["key"]): row.data["found"] for row in table.records}
        assert set(rows) == {("undeclared", "$.news"), ("value", "$.status")}
        assert 'for example "a first"' in str(rows["undeclared", "$.news"])
        assert found.metadata["drift"].value == 2


def test_a_frozen_endpoint_with_one_undeclared_field_is_withheld_while_the_others_load(settings: Settings) -> None:
    run(settings)
    edit(settings, "cores", {"news": 1})
    edit(settings, "ships", {"home_port": "Elsewhere"})
    frozen = settings.model_copy(update={"contract": {"cores": ContractMode.FREEZE}})
    result, _ = run(frozen)
    assert not result.success
    engine = sa.create_engine(settings.warehouse_url)
    with engine.connect() as connection:
        query = "SELECT endpoint, outcome FROM ops.loads WHERE run_id = %s AND endpoint IN ('cores', 'ships')"
        assert dict(map(tuple, connection.exec_driver_sql(query, (result.run_id,)))) == {
            "cores": "blocked",
            "ships": "loaded",
        }
        assert connection.exec_driver_sql("SELECT path, first_run_id FROM ops.drift").all() == [
            ("$.news", result.run_id)
        ]
        changed = "SELECT count(*) FROM spacex.cores WHERE _run_id = %s"
        assert connection.exec_driver_sql(changed, (result.run_id,)).scalar() == 0
    engine.dispose()
