"""`explain`, through the command line, on a launch that was corrected, broken, edited by hand, deleted and returned."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from spacex_assets_tests.conftest import Platform

LAUNCH, BROKEN = "5e9d0d9551a0070000000003", "5e9d0d9551a0070000000004"


@pytest.fixture(scope="module")
def storied(platform: Platform) -> Platform:
    platform.load("launches", "company")
    platform.edit("launches", LAUNCH, {"details": "corrected"})
    platform.edit("launches", BROKEN, {"flight_number": "seven"})
    platform.load("launches", "company")
    platform.rows(f"UPDATE spacex.launches SET details = 'by hand' WHERE id = '{LAUNCH}'")
    platform.load("launches", "company")
    platform.edit("launches", LAUNCH, None)
    platform.load("launches", "company")
    platform.call("simulator", "reset")
    platform.edit("launches", BROKEN, {"flight_number": "seven"})
    platform.load("launches", "company")
    return platform


def runs(platform: Platform) -> list[str]:
    return [run for (run,) in platform.rows("SELECT run_id FROM ops.loads GROUP BY 1 ORDER BY min(id)")]


def test_every_version_says_what_changed_and_who_changed_it(storied: Platform) -> None:
    versions = storied.answer("explain", "launches", LAUNCH)["versions"]
    first, second, third, _, fifth = runs(storied)
    assert [version["run_id"] for version in versions] == [first, second, None, third, fifth]
    assert [version["user"] for version in versions] == [None, None, "spacex", None, None]
    assert [version["returned"] for version in versions] == [False, False, False, False, True]
    changes = [[(change["column"], change["after"]) for change in version["changes"]] for version in versions]
    assert changes[:4] == [[], [("details", "corrected")], [("details", "by hand")], [("details", "corrected")]]
    assert versions[0]["values"] == versions[4]["values"]


def test_the_source_document_is_found_in_the_body_of_its_snapshot(storied: Platform) -> None:
    story = storied.answer("explain", "launches", LAUNCH)
    origin = story["origin"]
    assert origin["run_id"] == runs(storied)[4]
    assert Path(origin["body"]).name == f"{origin['sha256']}.json"
    assert json.loads(Path(origin["body"]).read_bytes())[origin["position"]] == origin["document"]
    assert origin["document"]["id"] == LAUNCH
    assert origin["url"].endswith("/v5/launches")
    assert story["state"] == "present"
    assert story["confirmed_at"] == origin["fetched_at"]


def test_at_any_instant_the_row_is_what_history_says(storied: Platform) -> None:
    moments = storied.rows(
        f"SELECT valid_from FROM history.launches WHERE id = '{LAUNCH}' "
        f"UNION SELECT valid_to FROM history.launches WHERE id = '{LAUNCH}' ORDER BY 1"
    )
    states = []
    for (moment,) in moments:
        story = storied.answer("explain", "launches", LAUNCH, "--at", moment.isoformat())
        then = storied.rows(f"SELECT details FROM history.launches_at('{moment.isoformat()}') WHERE id = '{LAUNCH}'")
        assert ([(story["present"]["values"]["details"],)] if story["present"] else []) == then
        states.append(story["state"])
    assert states == ["present", "present", "present", "present", "gone"]
    assert storied.answer("explain", "launches", LAUNCH, "--at", "2020-01-01")["state"] == "absent"
    assert "not there yet" in storied.call("explain", "launches", LAUNCH, "--at", "2020-01-01").stdout


def test_values_made_by_hand_have_no_source(storied: Platform) -> None:
    ((moment,),) = storied.rows(f"SELECT valid_from FROM history.launches WHERE id = '{LAUNCH}' AND _run_id IS NULL")
    text = storied.call("explain", "launches", LAUNCH, "--at", moment.isoformat()).stdout
    assert "by hand, by the user spacex" in text
    assert "source      none" in text


def test_a_retained_row_is_confirmed_only_until_its_document_broke(storied: Platform) -> None:
    story = storied.answer("explain", "launches", BROKEN)
    assert story["retained"] is True
    assert story["origin"]["run_id"] == runs(storied)[0]
    assert story["confirmed_at"] == story["origin"]["fetched_at"]
    assert [entry["errors"][0]["path"] for entry in story["quarantine"]] == ["$.flight_number"]
    text = storied.call("explain", "launches", BROKEN).stdout
    assert "retained, for the source has it no longer whole" in text
    assert "1 time(s) in quarantine" in text


def test_what_changes_within_a_version_comes_from_the_document_read_last(storied: Platform) -> None:
    storied.load("starlink")
    ((satellite,),) = storied.rows("SELECT min(id) FROM spacex.starlink")
    storied.edit("starlink", satellite, {"latitude": 1.25})
    storied.load("starlink")
    story = storied.answer("explain", "starlink", satellite)
    assert story["present"]["values"]["latitude"] == story["origin"]["document"]["latitude"] == 1.25
    assert story["origin"]["run_id"] != story["present"]["run_id"]
    assert story["confirmed_at"] == story["origin"]["fetched_at"]


def test_volatile_values_made_by_hand_are_not_confirmed(storied: Platform) -> None:
    storied.load("ships")
    ((ship,),) = storied.rows("SELECT min(id) FROM spacex.ships")
    storied.rows(f"UPDATE spacex.ships SET latitude = 12.5 WHERE id = '{ship}'")
    storied.edit("ships", ship, {"active": "yes"})
    storied.load("ships")
    story = storied.answer("explain", "ships", ship)
    assert (story["retained"], story["present"]["edited"], story["confirmed_at"]) == (True, True, None)
    text = storied.call("explain", "ships", ship).stdout
    assert "by hand     edited since in volatile columns" in text
    assert "confirmed" not in text
    storied.edit("ships", ship, {"active": False})
    storied.load("ships")
    assert storied.answer("explain", "ships", ship)["confirmed_at"] is not None


@pytest.mark.parametrize("endpoint", ["launches", "ships"])
def test_a_row_that_an_unreadable_id_kept_is_not_confirmed_then(storied: Platform, endpoint: str) -> None:
    storied.call("simulator", "reset")
    storied.load(endpoint)
    missing, other = (one for (one,) in storied.rows(f"SELECT id FROM spacex.{endpoint} ORDER BY 1 LIMIT 2"))
    storied.edit(endpoint, missing, None)
    storied.edit(endpoint, other, {"id": None})
    storied.load(endpoint)
    storied.call("simulator", "reset")
    ((second,),) = storied.rows("SELECT clock_timestamp()")
    storied.load(endpoint)
    (first,) = storied.rows(
        f"SELECT run_id, fetched_at FROM ops.loads WHERE table_name = '{endpoint}' ORDER BY id DESC OFFSET 2 LIMIT 1"
    )
    story = storied.answer("explain", endpoint, missing, "--at", second.isoformat())
    assert (story["state"], story["retained"]) == ("present", True)
    assert story["origin"]["document"]["id"] == missing
    assert datetime.fromisoformat(story["confirmed_at"]) == first[1]
    if endpoint == "ships":
        assert story["origin"]["run_id"] == first[0]
    assert storied.answer("explain", endpoint, missing)["retained"] is False


def test_a_row_of_a_list_comes_from_the_document_of_its_parent(storied: Platform) -> None:
    story = storied.answer("explain", "launch_cores", LAUNCH, "0")
    assert story["key"] == {"launch_id": LAUNCH, "position": "0"}
    assert story["origin"]["document"]["id"] == LAUNCH
    assert story["present"]["values"]["core_id"] == story["origin"]["document"]["cores"][0]["core"]


def test_a_single_document_has_the_position_0(storied: Platform) -> None:
    ((company,),) = storied.rows("SELECT id FROM spacex.company")
    story = storied.answer("explain", "spacex.company", company)
    assert story["origin"]["position"] == 0
    assert story["confirmed_at"] > story["origin"]["fetched_at"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lunches", LAUNCH], "There is no table spacex.lunches; there are capsules, company,"),
        (["launches", "x"], "spacex.launches never had a row with id = x"),
        (["launches", "x"], "There is for example 5e9d0d9551a0070000000000, "),
        (["launch_cores", LAUNCH], f"expected 2 value(s), found 1: {LAUNCH}. There is {LAUNCH} 0."),
        (["launch_cores", LAUNCH, "7"], f"position = 7, nor is such a document in quarantine. There is {LAUNCH} 0."),
        (["launches"], "expected 1 value(s), found 0: none. There is for example"),
    ],
)
def test_what_cannot_be_explained_is_an_error_that_says_what_there_is(
    storied: Platform, arguments: list[str], said: str
) -> None:
    assert said in storied.call("explain", *arguments, status=1).stderr


def test_a_moment_that_cannot_be_read_is_an_error_of_usage(storied: Platform) -> None:
    assert "found 'yesterday'" in storied.call("explain", "launches", LAUNCH, "--at", "yesterday", status=2).stderr
