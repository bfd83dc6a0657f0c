"""The rules that keep a simulated history free of contradictions, at several sizes and for several seeds."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from spacex_assets.simulator.fleet import COLLECTIONS, Fleet

Document = dict[str, Any]
Collections = dict[str, dict[str, Document]]


@pytest.fixture(
    scope="module",
    params=[(42, 205), (7, 205), (1, 1), (42, 5), (3, 40), (42, 206), (9, 1000), (42, 3000)],
    ids=lambda param: f"seed {param[0]}, {param[1]} launches",
)
def fleet(request: pytest.FixtureRequest) -> Collections:
    seed, launches = request.param
    made = Fleet(seed, launches)
    return {name: {document["id"]: document for document in made.documents(name)} for name in COLLECTIONS}


@pytest.fixture(scope="module")
def past(fleet: Collections) -> list[Document]:
    return [launch for launch in fleet["launches"].values() if not launch["upcoming"]]


def flights(past: list[Document], collection: str) -> dict[str, list[str]]:
    """Ids of the launches of each vehicle, person, ship or pad, in their order, as the launches tell."""
    found: dict[str, list[str]] = defaultdict(list)
    for launch in past:
        for one in {
            "cores": [core["core"] for core in launch["cores"]],
            "landpads": sorted({core["landpad"] for core in launch["cores"] if core["landpad"]}),
            "capsules": launch["capsules"],
            "crew": [member["crew"] for member in launch["crew"]],
            "ships": launch["ships"],
            "launchpads": [launch["launchpad"]],
        }[collection]:
            found[one].append(launch["id"])
    return found


def test_every_past_launch_is_later_than_the_one_before_and_every_upcoming_one_is_later_than_all(
    fleet: Collections, past: list[Document]
) -> None:
    dates = [launch["date_utc"] for launch in past]
    assert all(earlier < later for earlier, later in pairwise(dates))
    assert all(launch["date_utc"] > dates[-1] for launch in fleet["launches"].values() if launch["upcoming"])


@pytest.mark.parametrize("collection", ["cores", "capsules", "crew", "ships", "landpads", "launchpads"])
def test_what_flew_lists_exactly_the_past_launches_that_list_it(
    fleet: Collections, past: list[Document], collection: str
) -> None:
    told = flights(past, collection)
    assert set(told) <= set(fleet[collection])
    for identifier, document in fleet[collection].items():
        assert document["launches"] == told.get(identifier, [])


def test_nobody_and_nothing_flies_twice_on_one_launch(fleet: Collections) -> None:
    for launch in fleet["launches"].values():
        for riders in (
            [core["core"] for core in launch["cores"] if core["core"]],
            [member["crew"] for member in launch["crew"]],
            launch["capsules"],
            launch["ships"],
        ):
            assert len(riders) == len(set(riders))


def test_a_person_flies_once_in_a_capsule_that_carries_people(fleet: Collections, past: list[Document]) -> None:
    for launch in past:
        if launch["crew"]:
            assert [fleet["capsules"][capsule]["type"] for capsule in launch["capsules"]] == ["Dragon 2.0"]
            assert launch["success"] is True
    assert all(len(launches) == 1 for launches in flights(past, "crew").values())


def test_a_core_flies_on_only_after_it_landed_and_never_after_its_end(fleet: Collections, past: list[Document]) -> None:
    flown: dict[str, list[Document]] = defaultdict(list)
    for launch in past:
        for core in launch["cores"]:
            flown[core["core"]].append(core)
    most = {None: 1, 1: 1, 2: 2, 3: 2, 4: 2, 5: 14}
    for identifier, each in flown.items():
        core = fleet["cores"][identifier]
        assert [flight["flight"] for flight in each] == list(range(1, len(each) + 1))
        assert [flight["reused"] for flight in each] == [False, *[True] * (len(each) - 1)]
        assert all(flight["landing_success"] is True and flight["landpad"] for flight in each[:-1])
        assert len(each) <= most[core["block"]]
        landed = each[-1]["landing_success"] is True and each[-1]["landing_type"] != "Ocean"
        assert core["status"] in (("active", "inactive") if landed else ("lost", "expended"))
        assert core["status"] != "expended" or each[-1]["landing_attempt"] is False
    for core in fleet["cores"].values():
        mine = flown.get(core["id"], [])
        rtls = [flight for flight in mine if flight["landing_type"] == "RTLS"]
        assert core["reuse_count"] == max(0, len(mine) - 1)
        assert core["rtls_attempts"] == len(rtls)
        assert core["rtls_landings"] == sum(flight["landing_success"] is True for flight in rtls)
        asds = [flight for flight in mine if flight["landing_type"] == "ASDS"]
        assert core["asds_attempts"] == core["asds_landings"] == sum(one["landing_success"] is True for one in asds)


def test_a_capsule_is_of_one_generation_and_never_flies_after_a_failure(
    fleet: Collections, past: list[Document]
) -> None:
    success = {launch["id"]: launch["success"] for launch in past}
    for capsule in fleet["capsules"].values():
        outcomes = [success[launch] for launch in capsule["launches"]]
        assert all(outcomes[:-1])
        assert (capsule["status"] == "destroyed") is (False in outcomes)
        assert capsule["water_landings"] == outcomes.count(True)
        assert capsule["reuse_count"] == max(0, len(outcomes) - 1)
    types = [fleet["capsules"][capsule]["type"] for launch in past for capsule in launch["capsules"]]
    assert types == sorted(types)


def test_pads_count_the_landings_and_launches_that_they_list(fleet: Collections, past: list[Document]) -> None:
    landed = Counter(core["landpad"] for launch in past for core in launch["cores"] if core["landing_success"])
    for pad in fleet["landpads"].values():
        assert pad["landing_successes"] == landed[pad["id"]] <= pad["landing_attempts"]
    succeeded = Counter(launch["launchpad"] for launch in past if launch["success"])
    for site in fleet["launchpads"].values():
        assert (site["launch_attempts"], site["launch_successes"]) == (len(site["launches"]), succeeded[site["id"]])


def test_rockets_leave_from_pads_that_list_them_and_come_down_on_the_same_coast(fleet: Collections) -> None:
    for launch in fleet["launches"].values():
        site = fleet["launchpads"][launch["launchpad"]]
        assert launch["rocket"] in site["rockets"]
        assert len(launch["cores"]) == (3 if fleet["rockets"][launch["rocket"]]["boosters"] else 1)
        assert not (launch["capsules"] and site["region"] == "California")
        for core in launch["cores"]:
            if core["landpad"]:
                pad = fleet["landpads"][core["landpad"]]
                assert pad["type"] == core["landing_type"]
                assert core["landing_attempt"]
                assert pad["type"] == "ASDS" or pad["region"] == site["region"]


def test_payloads_and_launches_agree_but_for_the_few_that_the_source_has_wrong(fleet: Collections) -> None:
    listed = {(launch["id"], payload) for launch in fleet["launches"].values() for payload in launch["payloads"]}
    told = {(payload["launch"], payload["id"]) for payload in fleet["payloads"].values()}
    assert {payload for _, payload in listed} <= set(fleet["payloads"])
    assert sum(launch not in fleet["launches"] for launch, _ in told) == 4
    size = len(fleet["launches"]) / 205
    assert len(listed - told) <= 4 * size + 1
    assert len(told - listed) <= 4 + 3 * size
    for launch, payload in listed & told:
        capsule = fleet["payloads"][payload]["dragon"]["capsule"]
        assert capsule is None or [capsule] == fleet["launches"][launch]["capsules"]


def test_a_payload_in_a_capsule_is_of_its_generation_and_reused_after_its_first_flight(fleet: Collections) -> None:
    for payload in fleet["payloads"].values():
        capsule = fleet["capsules"].get(payload["dragon"]["capsule"])
        assert payload["reused"] is bool(capsule and capsule["launches"][0] != payload["launch"])
        if capsule:
            crewed = bool(fleet["launches"][payload["launch"]]["crew"])
            assert payload["type"] == ("Crew Dragon" if crewed else capsule["type"])


def test_fairings_are_recovered_only_where_ships_of_the_launch_were_sent(fleet: Collections) -> None:
    for launch in fleet["launches"].values():
        fairings = launch["fairings"]
        assert not (fairings and launch["capsules"])
        if fairings:
            assert set(fairings["ships"]) <= set(launch["ships"])
            assert bool(fairings["ships"]) is (fairings["recovery_attempt"] is True)
            assert fairings["recovered"] is not True or fairings["recovery_attempt"]


def test_failures_are_those_of_the_launches_that_failed(fleet: Collections) -> None:
    for launch in fleet["launches"].values():
        assert bool(launch["failures"]) is (launch["success"] is False)
        assert launch["success"] is None or not launch["upcoming"]


def test_satellites_rose_on_launches_that_carry_them(fleet: Collections) -> None:
    for satellite in fleet["starlink"].values():
        launch, track = fleet["launches"][satellite["launch"]], satellite["spaceTrack"]
        assert track["LAUNCH_DATE"] == launch["date_utc"][:10]
        assert track["EPOCH"] > track["LAUNCH_DATE"]
        assert track["DECAYED"] == (track["DECAY_DATE"] is not None) == (satellite["latitude"] is None)
        if len(fleet["launches"]) >= 205:
            assert launch["success"] is True
            assert launch["capsules"] == []
            assert {fleet["payloads"][payload]["orbit"] for payload in launch["payloads"]} == {"VLEO"}
    raised = {one["spaceTrack"]["NORAD_CAT_ID"]: one["launch"] for one in fleet["starlink"].values()}
    for payload in fleet["payloads"].values():
        assert {raised.get(number, payload["launch"]) for number in payload["norad_ids"]} <= {payload["launch"]}


def test_numbers_and_names_that_are_unique_in_the_source_are_unique(fleet: Collections) -> None:
    for name, fields in {
        "launches": ("name",),
        "payloads": ("name",),
        "cores": ("serial",),
        "capsules": ("serial",),
        "crew": ("name",),
    }.items():
        for field in fields:
            values = [document[field] for document in fleet[name].values()]
            assert len(values) == len(set(values)), (name, field)
    tracks = [satellite["spaceTrack"] for satellite in fleet["starlink"].values()]
    for field in ("NORAD_CAT_ID", "OBJECT_ID", "OBJECT_NAME", "GP_ID"):
        assert len({track[field] for track in tracks}) == len(tracks), field


def test_first_flights_and_success_rates_are_those_of_the_launches(fleet: Collections, past: list[Document]) -> None:
    for rocket in fleet["rockets"].values():
        flown = [launch for launch in past if launch["rocket"] == rocket["id"]]
        if flown:
            assert rocket["first_flight"] == flown[0]["date_utc"][:10]
            good = sum(launch["success"] is True for launch in flown)
            assert rocket["success_rate_pct"] == round(100 * good / len(flown))
    for dragon, types in zip(fleet["dragons"].values(), (("Dragon 1.0", "Dragon 1.1"), ("Dragon 2.0",)), strict=True):
        dates = [
            launch["date_utc"][:10]
            for launch in past
            if any(fleet["capsules"][capsule]["type"] in types for capsule in launch["capsules"])
        ]
        assert not dates or dragon["first_flight"] == dates[0]


def test_flight_numbers_ascend_in_the_order_of_the_list(fleet: Collections) -> None:
    numbers = [launch["flight_number"] for launch in fleet["launches"].values()]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("seed", [42, 7, 1])
def test_every_kind_of_value_of_the_source_occurs_at_the_real_size(recordings: Path, seed: int) -> None:
    for name in COLLECTIONS:
        body = json.loads((recordings / f"{name}.json").read_bytes())
        real = {leaf for document in (body if isinstance(body, list) else [body]) for leaf in leaves(document, name)}
        made = {leaf for document in Fleet(seed).documents(name) for leaf in leaves(document, name)}
        assert real == made


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Paths and the kinds of what is there; numbers with their signs, and emptiness, are kinds of their own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, path + "[]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, f"{'negative ' if value < 0 else ''}{type(value).__name__}"
    else:
        yield path, repr(value) if value in ("", []) or value is None else type(value).__name__
