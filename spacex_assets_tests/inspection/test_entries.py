"""`quarantine`, through the command line: the list, one document, and the retry after a contract was mended."""

import json

import dagster as dg
import polars as pl
import pytest

from spacex_assets.extract.http import HttpSource
from spacex_assets_tests.conftest import Platform

LAUNCH, OTHER = "5e9d0d9551a0070000000003", "5e9d0d9551a0070000000004"
FROZEN = json.dumps({"launches": "freeze"})


@pytest.fixture(scope="module")
def quarantined(platform: Platform) -> Platform:
    """Two broken launches: one breaks every contract, the other a frozen one."""
    assert platform.call("quarantine").stdout == "Nothing is in quarantine.\n"
    assert platform.call("quarantine", "retry", "launches").stdout == "Nothing of launches is in quarantine.\n"
    platform.edit("launches", LAUNCH, {"payload_mass": 12, "flight_number": "seven"})
    platform.edit("launches", OTHER, {"payload_mass": 13})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACEX_CONTRACT", FROZEN)
        patch.setenv("SPACEX_QUARANTINE_LIMIT", "0.5")
        platform.load("launches")
    return platform


def test_the_list_names_each_document_with_its_errors(quarantined: Platform) -> None:
    text = quarantined.call("quarantine").stdout
    assert f"launches {LAUNCH}: since" in text
    assert "    $.flight_number: expected a valid integer, found 'seven'" in text
    assert {entry["key"] for entry in quarantined.answer("quarantine")} == {LAUNCH, OTHER}


def test_one_entry_is_shown_with_its_document(quarantined: Platform) -> None:
    text = quarantined.call("quarantine", "show", "launches", LAUNCH).stdout
    assert '"flight_number": "seven"' in text
    (entry,) = quarantined.answer("quarantine", "show", "launches", LAUNCH)
    assert json.loads(entry["document"])["payload_mass"] == 12
    assert [error["path"] for error in entry["errors"]] == ["$.flight_number", "$.payload_mass"]


def test_what_is_not_there_is_an_error_that_says_what_is(quarantined: Platform) -> None:
    assert f"launches has no entry 'x' in quarantine; it has {OTHER}" in (
        quarantined.call("quarantine", "show", "launches", "x", status=1).stderr
    )
    assert "There is no endpoint 'launch'; there are capsules" in (
        quarantined.call("quarantine", "retry", "launch", status=1).stderr
    )


def test_a_retry_types_the_snapshot_anew_and_loads_what_the_mended_contract_accepts(
    quarantined: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(*_: object) -> None:
        raise AssertionError("a retry fetches nothing")

    monkeypatch.setattr(HttpSource, "fetch", fetched)
    frames = quarantined.local / "lake/simulated/typed/launches"
    (before,) = frames.glob("*.parquet")
    assert OTHER not in pl.read_parquet(before)["id"]
    done = quarantined.call("quarantine", "retry")
    assert f"launches {OTHER}: healthy" in done.stdout
    assert f"launches {LAUNCH}: still broken\n    $.flight_number: expected a valid integer" in done.stdout
    (anew,) = (frame for frame in frames.glob("*.parquet") if frame != before)
    assert OTHER in pl.read_parquet(anew)["id"]
    assert quarantined.rows(f"SELECT _extra FROM spacex.launches WHERE id = '{OTHER}'") == [({"$.payload_mass": 13},)]
    (left,) = quarantined.answer("quarantine")
    assert (left["key"], [error["path"] for error in left["errors"]]) == (LAUNCH, ["$.flight_number"])
    assert {entry["resolution"] for entry in quarantined.answer("quarantine", "--all")} == {None, "healthy"}
    assert quarantined.rows(
        "SELECT outcome, count(*) FROM ops.loads WHERE endpoint = 'launches' GROUP BY 1 ORDER BY 1"
    ) == [
        ("blocked", 8),
        ("loaded", 8),
    ]
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        assert run.status is dg.DagsterRunStatus.SUCCESS
        assert {key.path[0] for key in run.asset_selection or ()} == {"typed", "spacex"}
        assert [(run.run_id,)] == quarantined.rows("SELECT run_id FROM ops.loads ORDER BY id DESC LIMIT 1")


def test_a_retry_that_fails_says_so_and_ends_with_1(quarantined: Platform) -> None:
    bodies = quarantined.local / "lake/simulated/raw/launches"
    bodies.rename(bodies.with_name("elsewhere"))
    done = quarantined.call("quarantine", "retry", status=1)
    bodies.with_name("elsewhere").rename(bodies)
    assert "launches: no snapshot was ever fetched" in done.stderr
    assert f"launches {LAUNCH}: still broken" in done.stdout
