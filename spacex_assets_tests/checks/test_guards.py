"""What is asked of typed frames before PostgreSQL is touched: a failure withholds the whole endpoint and no other."""

from pathlib import Path

import polars as pl
import pytest

from spacex_assets.checks.guards import contract_findings, volume_findings
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.run import failures
from spacex_assets.transform.intake import Intake, Rejected
from spacex_assets_tests.assets.test_graph import counts, edit, materialize, rows

CORES = ENDPOINTS["cores"].layouts[0]
LIMITS = Settings()


def core(name: str) -> dict[str, object]:
    return {"id": name, "serial": name, "status": "active"}


def stored(folder: Path, frame: pl.DataFrame) -> Path:
    path = folder / "frame.parquet"
    frame.write_parquet(path)
    return path


def intake(accepted: int, quarantined: int = 0) -> Intake:
    rejected = tuple(Rejected(key=str(number), text="{}", breaches=()) for number in range(quarantined))
    return Intake(accepted=accepted, rejected=rejected)


def test_a_frame_as_declared_passes(tmp_path: Path) -> None:
    path = stored(tmp_path, pl.DataFrame([core("a"), core("b")], schema=CORES.schema))
    found = contract_findings(path, CORES)
    assert (found.findings, found.figures) == ((), {"rows_of_cores": 2})


@pytest.mark.parametrize(
    ("values", "rule", "key"),
    [
        ([core("a"), {**core("b"), "status": None}], "cores: null", "status"),
        ([core("a"), {**core("b"), "id": None}], "cores: null", "id"),
        ([core("a"), core("b"), core("a")], "cores: key is not unique", "a"),
    ],
)
def test_nulls_and_repeated_keys_are_named(
    tmp_path: Path, values: list[dict[str, object]], rule: str, key: str
) -> None:
    (found,) = contract_findings(stored(tmp_path, pl.DataFrame(values, schema=CORES.schema)), CORES).findings
    assert (found.rule, found.key) == (rule, key)


def test_columns_of_other_names_and_types_are_named(tmp_path: Path) -> None:
    frame = pl.DataFrame([core("a")], schema=CORES.schema)
    other = frame.drop("serial").with_columns(pl.col("block").cast(pl.String), more=pl.lit(1))
    found = contract_findings(stored(tmp_path, other), CORES).findings
    assert {one.key for one in found} == {"serial", "block", "more"}


@pytest.mark.parametrize(
    ("documents", "before", "lost", "rules"),
    [
        (intake(95, 5), 0, 0, []),
        (intake(94, 6), 0, 0, ["quarantine"]),
        (intake(0, 1), 0, 0, ["nothing is left"]),
        (intake(80), 100, 20, []),
        (intake(79), 100, 21, ["shrunk"]),
        (intake(100), 100, 21, ["shrunk"]),
        (intake(2), 4, 2, []),
        (intake(100), 50, 0, []),
    ],
)
def test_the_share_of_quarantine_and_the_loss_since_the_last_load_have_limits(
    documents: Intake, before: int, lost: int, rules: list[str]
) -> None:
    assert list(volume_findings(documents, before, lost, LIMITS).totals) == rules


def test_one_switch_each_lets_quarantine_and_loss_pass_but_never_to_zero() -> None:
    open_limits = LIMITS.model_copy(update={"shrink_limit": 1.0, "quarantine_limit": 1.0})
    assert volume_findings(intake(1, 99), 1000, 900, open_limits).findings == ()
    assert list(volume_findings(intake(0, 99), 0, 0, open_limits).totals) == ["nothing is left"]


def test_a_withheld_endpoint_keeps_all_its_tables_and_stops_no_other(settings: Settings) -> None:
    materialize(settings)
    for index in range(3):
        edit(settings, "launches", {"flight_number": "seven"}, index=index)
    edit(settings, "launches", {"details": "corrected"}, index=5)
    edit(settings, "cores", {"last_update": "corrected"})
    result = materialize(settings)
    assert not result.success
    ((failed),) = failures(result)
    assert failed.step == "guard_launches"
    assert "launches: withheld: quarantine" in failed.reason
    assert "3 of 30 document(s), 10.0%" in failed.reason
    assert "$.flight_number: expected a valid integer, found 'seven'" in failed.reason
    assert failed.reason.endswith("Correct the source, or let it pass once: SPACEX_QUARANTINE_LIMIT=1 make run.")
    launches = {layout.name for layout in ENDPOINTS["launches"].layouts}
    assert set(counts(result)) == {layout.name for one in ENDPOINTS.values() for layout in one.layouts} - launches
    assert counts(result)["cores"][1] == 1
    ledger = rows(
        settings,
        f"SELECT DISTINCT outcome, error FROM ops.loads WHERE run_id = '{result.run_id}' AND error IS NOT NULL",
    )
    ((outcome, reason),) = ledger
    assert outcome == "blocked"
    assert "3 of 30" in reason
    assert rows(settings, "SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL") == [(3,)]
    assert rows(settings, "SELECT count(*) FROM spacex.launches WHERE details = 'corrected'") == [(0,)]

    passed = materialize(settings.model_copy(update={"quarantine_limit": 1.0}))
    assert passed.success
    assert counts(passed)["launches"][1] == 1


def test_a_single_document_that_is_broken_withholds_its_endpoint(settings: Settings) -> None:
    materialize(settings)
    edit(settings, "company", {"employees": "many"})
    ((failed),) = failures(materialize(settings))
    assert failed.step == "guard_company"
    assert "nothing is left: 1 of 1 document(s) are in quarantine; the first: document " in failed.reason
    assert "$.employees: expected a valid integer, found 'many'" in failed.reason
    assert "pass once" not in failed.reason, "an endpoint without documents never passes"
    assert "  " not in failed.reason
    assert rows(settings, "SELECT count(*) FROM spacex.company") == [(1,)]


def test_one_switch_lets_a_shrunken_source_pass_every_guard(settings: Settings) -> None:
    materialize(settings)
    for _ in range(10):
        edit(settings, "ships", None)
    assert [failure.step for failure in failures(materialize(settings))] == ["raw__ships"]
    passed = materialize(settings.model_copy(update={"shrink_limit": 1.0}))
    assert passed.success
    assert counts(passed)["ships"][2] == 10
    assert materialize(settings).success


def test_documents_that_others_replace_are_gone_however_many_there_are(settings: Settings) -> None:
    materialize(settings)
    before = rows(settings, "SELECT id FROM spacex.ships ORDER BY id")
    for number in range(10):
        edit(settings, "ships", {"id": f"{number:024x}"}, index=number)
    ((failed,),) = [failures(materialize(settings))]
    assert failed.step == "guard_ships"
    assert f"10 of {len(before)} document(s) in the table are not in the snapshot" in failed.reason
    assert rows(settings, "SELECT id FROM spacex.ships ORDER BY id") == before
    assert counts(materialize(settings.model_copy(update={"shrink_limit": 1.0})))["ships"][0:3:2] == (10, 10)
