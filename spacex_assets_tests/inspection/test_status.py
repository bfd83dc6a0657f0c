"""`status`, through the command line, from before the first run to runs that went wrong."""

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from spacex_assets.checks.verdicts import verdicts
from spacex_assets.databases import WORLD_KEY
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets_tests.conftest import Platform

LAUNCH = "5e9d0d9551a0070000000003"


@pytest.fixture(scope="module")
def troubled(platform: Platform) -> Platform:
    """After a good run, one in which a launch is broken and the cores are of the other world."""
    assert "Nothing was loaded yet: make run" in platform.call("status").stdout
    assert {one["last_load"] for one in platform.answer("status")["endpoints"]} == {None}
    platform.load(*ENDPOINTS)
    platform.edit("launches", LAUNCH, {"flight_number": "seven"})
    (core,) = platform.rows("SELECT id FROM spacex.cores ORDER BY id LIMIT 1")
    platform.unmark("cores", core[0])
    platform.call("run", status=1)
    return platform


def test_the_answer_for_machines_has_every_endpoint_and_the_documented_keys(troubled: Platform) -> None:
    answer = troubled.answer("status")
    assert set(answer) == {
        *("at", "source", "world", "endpoints", "runs", "drift", "checks", "unjudged", "judged"),
        *("incidents", "destinations"),
    }
    assert len(answer["endpoints"]) == 14
    launches = next(one for one in answer["endpoints"] if one["endpoint"] == "launches")
    assert set(launches) == {
        "endpoint",
        "last_load",
        "fetched_at",
        "age_seconds",
        "unchanged_since",
        "unchanged_seconds",
        "quarantined",
        "retained",
        "drifts",
    }
    load = launches["last_load"]
    assert (load["outcome"], load["documents"], load["documents_quarantined"]) == ("loaded", 30, 1)
    (rows,) = troubled.rows(
        f"SELECT sum(rows_unchanged), sum(rows_retained) FROM ops.loads "
        f"WHERE run_id = '{load['run_id']}' AND endpoint = 'launches'"
    )
    assert (load["rows_unchanged"], load["rows_retained"]) == rows
    assert load["rows_retained"] > 1
    assert (launches["quarantined"], launches["retained"]) == (1, 1)


def test_an_endpoint_that_failed_keeps_the_age_of_what_it_holds(troubled: Platform) -> None:
    by_name = {one["endpoint"]: one for one in troubled.answer("status")["endpoints"]}
    cores, ships = by_name["cores"], by_name["ships"]
    assert cores["last_load"]["outcome"] == "failed"
    assert "serves real documents" in cores["last_load"]["error"]
    assert cores["fetched_at"] < ships["fetched_at"]
    assert ships["unchanged_since"] < ships["fetched_at"], "the source has sent the same since the first run"
    assert by_name["launches"]["unchanged_since"] == by_name["launches"]["fetched_at"]


def test_the_screen_is_narrow_and_names_every_trouble_with_errors_in_full(troubled: Platform) -> None:
    lines = troubled.call("status").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert "Loads       1 not loaded" in text
    assert "cores: failed: WorldMismatch" in text
    (error,) = [
        one["last_load"]["error"] for one in troubled.answer("status")["endpoints"] if one["endpoint"] == "cores"
    ]
    assert len(error) > 100
    assert " ".join(error.split()) in " ".join(text.split()), "as the runbook says, in full"
    assert "Quarantine  1 open (launches 1); last good rows of 1 document(s) retained" in text


def test_the_source_is_shown_without_credentials(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = replace(platform, url=f"{platform.url}_dagster")

    def move(world: str) -> None:
        platform.rows(f"UPDATE ops.world SET name = '{world}'")
        storage.rows(f"UPDATE kvs SET value = '{world}' WHERE key = '{WORLD_KEY}'")

    platform.answer("status")
    move("real")
    monkeypatch.setenv("SPACEX_SOURCE", "http://me:hidden@127.0.0.1:1")
    try:
        assert platform.answer("status")["source"] == "http://127.0.0.1:1"
        assert "hidden" not in platform.call("status").stdout
    finally:
        move("simulated")


def test_drift_is_shown_while_it_lasts(troubled: Platform) -> None:
    troubled.rows(
        "CREATE TABLE IF NOT EXISTS ops.drift (id int GENERATED ALWAYS AS IDENTITY, endpoint text, path text, "
        "change text, before text, after text, first_seen_at timestamptz, last_seen_at timestamptz, "
        "first_run_id text, last_run_id text, first_sha256 text, last_sha256 text, ended_at timestamptz)"
    )
    for path, ended in (("$.mass", "NULL"), ("$.old", "now()")):
        troubled.rows(
            "INSERT INTO ops.drift (endpoint, path, change, after, first_seen_at, last_seen_at, first_run_id, "
            "last_run_id, first_sha256, last_sha256, ended_at) "
            f"VALUES ('ships', '{path}', 'appeared', 'int', now(), now(), 'r', 'r', 's', 's', {ended})"
        )
    answer = troubled.answer("status")
    of_ships = [(drift["path"], drift["change"]) for drift in answer["drift"] if drift["endpoint"] == "ships"]
    assert of_ships == [("$.mass", "appeared")]
    assert {one["endpoint"]: one["drifts"] for one in answer["endpoints"]}["ships"] == 1
    assert "  ships $.mass: appeared: int" in troubled.call("status").stdout


def test_a_check_is_bad_until_its_next_good_verdict() -> None:
    outcomes: dict[str, tuple[bool, str] | None] = {
        "sound": (True, "ERROR"),
        "odd": (False, "WARN"),
        "wrong": (False, "ERROR"),
    }
    withheld = False

    def check(name: str) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset="thing", name=name)
        def evaluate() -> dg.AssetCheckResult:
            outcome = outcomes[name]
            if outcome is None:
                raise ValueError("crashed")
            passed, severity = outcome
            return dg.AssetCheckResult(
                passed=passed, severity=dg.AssetCheckSeverity(severity), description=f"is {name}"
            )

        return evaluate

    @dg.asset
    def source() -> None:
        if withheld:
            raise ValueError("withheld")

    @dg.asset(deps=[source])
    def thing() -> None:
        pass

    definitions = dg.Definitions([source, thing], asset_checks=list(map(check, outcomes)))
    job = definitions.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetCheckKey(dg.AssetKey("thing"), name) for name in outcomes]
    with dg.DagsterInstance.ephemeral() as instance:

        def run() -> str:
            return job.execute_in_process(instance=instance, raise_on_error=False).run_id

        def bad() -> list[tuple[str, str, str | None]]:
            return [(one.severity, one.check, one.description) for one in verdicts(instance, keys).bad]

        def unjudged() -> list[tuple[str, str | None, bool | None]]:
            return [(one.check, one.run_id, one.passed) for one in verdicts(instance, keys).unjudged]

        assert bad() == []
        assert unjudged() == [("odd", None, None), ("sound", None, None), ("wrong", None, None)]
        began = datetime.now(UTC)
        first = run()
        both = [("ERROR", "wrong", "is wrong"), ("WARN", "odd", "is odd")]
        assert (bad(), unjudged()) == (both, [])
        assert verdicts(instance, keys).bad[0].evaluated_at >= began.replace(microsecond=0)
        assert verdicts(instance, keys).judged == 3

        outcomes["wrong"] = None
        crashed = run()
        assert (bad(), unjudged()) == (both, [("wrong", crashed, False)])
        withheld = True
        skipped = run()
        assert (bad(), unjudged()) == (
            both,
            [("odd", skipped, False), ("sound", skipped, True), ("wrong", skipped, False)],
        )
        assert {one.run_id for one in verdicts(instance, keys).bad} == {first, crashed}
        assert verdicts(instance, keys).judged == 0

        withheld = False
        outcomes |= {"odd": (True, "WARN"), "wrong": (False, "ERROR")}
        run()
        assert (bad(), unjudged()) == ([("ERROR", "wrong", "is wrong")], [])
