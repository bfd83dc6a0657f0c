"""Which faults repeat a step, and what the ledger says of it, with sessions of PostgreSQL that end from inside."""

import shutil
from collections import Counter
from collections.abc import Iterator

import dagster as dg
import pytest

from spacex_assets import retries
from spacex_assets.assets.tables import FULL_COMPARE_TAG
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.run import failures
from spacex_assets_tests.conftest import Platform

KEYS = [dg.AssetKey(key) for key in (["raw", "crew"], ["typed", "crew"], ["spacex", "crew"])]
DEADLY = """
CREATE SEQUENCE public.deaths;
CREATE FUNCTION public.dies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('public.deaths') <= {times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
  RETURN NULL;
END $$;
"""
AT_A_ROW = "CREATE TRIGGER dies AFTER INSERT ON spacex.crew FOR EACH STATEMENT EXECUTE FUNCTION public.dies()"
AT_THE_COMMIT = (
    "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON ops.loads DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
    "EXECUTE FUNCTION public.dies()"
)
CLEAR = "DROP SEQUENCE IF EXISTS public.deaths; DROP FUNCTION IF EXISTS public.dies CASCADE; DELETE FROM spacex.crew"


@pytest.fixture(autouse=True)
def impatient(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.1)
    yield
    platform.rows(CLEAR)


def run(tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
    job = build_defs(Settings()).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(instance=instance, asset_selection=KEYS, raise_on_error=False, tags=tags)


def restarts(result: dg.ExecuteInProcessResult) -> Counter[str | None]:
    return Counter(event.step_key for event in result.all_events if event.event_type_value == "STEP_RESTARTED")


def outcomes(platform: Platform, result: dg.ExecuteInProcessResult) -> list[tuple[str, ...]]:
    return platform.rows(f"SELECT outcome, split_part(error, ':', 1) FROM ops.loads WHERE run_id = '{result.run_id}'")


@pytest.mark.parametrize("where", [AT_A_ROW, AT_THE_COMMIT])
def test_a_session_that_is_ended_repeats_the_step_in_a_new_transaction(platform: Platform, where: str) -> None:
    platform.rows(DEADLY.format(times=2) + where)
    result = run()
    assert result.success
    assert restarts(result) == {"spacex_crew": 2}
    assert outcomes(platform, result) == [("loaded", None)]
    documents = result.asset_materializations_for_node("raw__crew")[0].metadata["documents"].value
    assert platform.rows("SELECT count(*) FROM spacex.crew") == [(documents,)]


def test_a_step_that_fails_four_times_has_failed_once_in_the_ledger_with_nothing_written(platform: Platform) -> None:
    platform.rows(DEADLY.format(times=1000) + AT_A_ROW)
    result = run()
    assert not result.success
    assert restarts(result) == {"spacex_crew": 3}
    assert [outcome[0] for outcome in outcomes(platform, result)] == ["failed"]
    assert platform.rows("SELECT count(*) FROM spacex.crew") == [(0,)]
    (failed,) = failures(result)
    assert failed.step == "spacex_crew"
    assert "connection" in failed.reason
    assert "Exceeded" not in failed.reason


def test_what_postgresql_refuses_is_not_repeated(platform: Platform) -> None:
    platform.rows("ALTER TABLE spacex.crew ADD CONSTRAINT refuses CHECK (name = '') NOT VALID")
    result = run()
    platform.rows("ALTER TABLE spacex.crew DROP CONSTRAINT refuses")
    assert not result.success
    assert not restarts(result)
    assert outcomes(platform, result) == [("failed", "CheckViolation")]


def test_a_file_system_that_refuses_repeats_the_step_and_fails_clearly(platform: Platform) -> None:
    typed = Settings().lake_folder / "typed" / "crew"
    shutil.rmtree(typed, ignore_errors=True)
    typed.parent.mkdir(parents=True, exist_ok=True)
    typed.write_text("a file where a folder has to be")
    result = run()
    typed.unlink()
    assert not result.success
    assert restarts(result) == {"typed_crew": 3}
    (failed,) = failures(result)
    assert "File exists" in failed.reason
    assert run().success


def test_a_tag_of_the_run_makes_it_trust_no_row_hash(platform: Platform) -> None:
    assert run().success
    platform.rows("SET session_replication_role = replica; UPDATE spacex.crew SET name = 'edited unnoticed'")
    assert run().success
    assert platform.rows("SELECT count(*) > 0 FROM spacex.crew WHERE name = 'edited unnoticed'") == [(True,)]
    assert run({FULL_COMPARE_TAG: "true"}).success
    assert platform.rows("SELECT count(*) FROM spacex.crew WHERE name = 'edited unnoticed'") == [(0,)]


def test_a_tag_that_says_neither_is_refused(platform: Platform) -> None:
    (failed,) = failures(run({FULL_COMPARE_TAG: "yes"}))
    assert failed.reason.endswith("The run's tag spacex/full_compare: expected true or false, found 'yes'.")
