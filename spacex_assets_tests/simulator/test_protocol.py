import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.simulator.content import Content, EditRefused
from spacex_assets.simulator.fleet import COLLECTIONS, Fleet
from spacex_assets.simulator.server import RunningSimulator, running_simulator
from spacex_assets.simulator.transport import SimulatorAdapter
from spacex_assets.transform.typed import typed

FLEET = {name: list(Fleet().documents(name)) for name in COLLECTIONS}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(Content(Fleet())) as running:
        yield running


def get(simulator: RunningSimulator, path: str, **headers: str) -> requests.Response:
    return requests.get(simulator.url + path, headers=headers, timeout=10)


def query(simulator: RunningSimulator, body: object, endpoint: str = "v5/launches") -> Any:
    return requests.post(f"{simulator.url}/{endpoint}/query", json=body, timeout=10).json()


def test_the_real_size_has_the_real_number_of_documents() -> None:
    assert sum(map(len, FLEET.values())) == 2424
    assert {name: len(FLEET[name]) for name in ("launches", "cores", "capsules", "ships", "starlink")} == {
        "launches": 205,
        "cores": 83,
        "capsules": 25,
        "ships": 29,
        "starlink": 1791,
    }


def test_ids_are_unique_across_collections() -> None:
    ids = [document["id"] for collection in FLEET.values() for document in collection]
    assert len(ids) == len(set(ids))


def test_every_simulated_document_passes_its_record_and_says_what_it_is() -> None:
    for name, endpoint in ENDPOINTS.items():
        body = json.dumps(FLEET[name]).encode()
        assert typed(endpoint, lambda body=body: [body], simulated=True).frames[name].height == len(FLEET[name])


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import json, hashlib; from spacex_assets.simulator.fleet import *;"
        "print(hashlib.sha256(json.dumps({n: list(Fleet().documents(n)) for n in COLLECTIONS}).encode()).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1
    assert json.dumps(list(Fleet(seed=7).documents("launches"))) != json.dumps(FLEET["launches"])


def test_references_resolve_but_for_the_four_that_dangle_in_the_source_too() -> None:
    ids = {name: {document["id"] for document in collection} for name, collection in FLEET.items()}
    for launch in FLEET["launches"]:
        for name in ("ships", "capsules", "payloads"):
            assert set(launch[name]) <= ids[name]
        assert {core["core"] for core in launch["cores"]} <= ids["cores"] | {None}
        assert launch["launchpad"] in ids["launchpads"]
        assert launch["rocket"] in ids["rockets"]
    dangling = [payload["id"] for payload in FLEET["payloads"] if payload["launch"] not in ids["launches"]]
    assert len(dangling) == 4


def test_the_flights_of_a_core_count_up_in_the_order_of_their_dates() -> None:
    flown: dict[str, list[int]] = {}
    for launch in sorted(FLEET["launches"], key=lambda launch: launch["date_utc"]):
        for core in launch["cores"]:
            if core["core"]:
                flown.setdefault(core["core"], []).append(core["flight"])
    assert all(flights == list(range(1, len(flights) + 1)) for flights in flown.values())
    for core in FLEET["cores"]:
        assert core["reuse_count"] == max(0, len(flown.get(core["id"], [])) - 1)
        assert core["asds_attempts"] == core["asds_landings"]


@pytest.mark.parametrize(
    ("path", "share"),
    [
        ("details", 0.35),
        ("launch_library_id", 0.65),
        ("window", 0.43),
        ("static_fire_date_utc", 0.41),
        ("success", 0.09),
    ],
)
def test_nulls_are_about_as_frequent_as_in_the_source(path: str, share: float) -> None:
    nulls = sum(launch[path] is None for launch in FLEET["launches"]) / len(FLEET["launches"])
    assert nulls == pytest.approx(share, abs=0.1)


def test_the_fleet_scales() -> None:
    fleet = Fleet(launches=2000)
    sizes = {name: sum(1 for _ in fleet.documents(name)) for name in COLLECTIONS}
    assert sizes["launches"] == 2000
    assert sizes["cores"] > 700
    assert sizes["payloads"] > 1900


def test_shapes_are_those_of_the_recorded_documents(recordings: Path) -> None:
    for name in ENDPOINTS:
        body = json.loads((recordings / f"{name}.json").read_bytes())
        real = paths(body if isinstance(body, list) else [body])
        assert paths(FLEET[name]) == real, name


def paths(value: Any, path: str = "") -> set[str]:
    if isinstance(value, dict):
        return {f"{path}.{key}" for key in value} | set().union(*(paths(v, f"{path}.{k}") for k, v in value.items()))
    if isinstance(value, list):
        return set().union(*(paths(element, path + "[]") for element in value)) if value else set()
    return set()


def test_lists_and_objects_come_with_the_headers_of_the_source(simulator: RunningSimulator) -> None:
    for name, endpoint in ENDPOINTS.items():
        answer = get(simulator, endpoint.path)
        assert answer.json() == (FLEET[name][0] if endpoint.single else FLEET[name])
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["X-SpaceX-Simulated"] == "true"
    assert get(simulator, "/v5/launches").headers["Cache-Control"] == "max-age=20"
    assert get(simulator, "/v4/rockets").headers["Cache-Control"] == "max-age=86400"


def test_an_etag_makes_a_304_also_weak_or_in_a_list(simulator: RunningSimulator) -> None:
    answer = get(simulator, "/v4/cores")
    tag = answer.headers["ETag"]
    assert int(tag.strip('"').split("-")[0], 16) == len(answer.content)
    for header in (tag, f"W/{tag}", f'"other", W/{tag}'):
        unchanged = get(simulator, "/v4/cores", **{"If-None-Match": header})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert get(simulator, "/v4/cores", **{"If-None-Match": '"other"'}).status_code == 200


def test_one_document_is_had_by_its_id_and_errors_are_text(simulator: RunningSimulator) -> None:
    core = FLEET["cores"][5]
    assert get(simulator, f"/v4/cores/{core['id']}").json() == core
    for path in ("/v4/cores/" + "0" * 24, "/v4/cores/malformed", "/v4/nothing", "/v5/cores", "/v4/company/x", "/"):
        answer = get(simulator, path)
        assert (answer.status_code, answer.text) == (404, "Not Found")
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert get(simulator, "/v4/admin/health").text == "OK"


def test_an_endpoint_of_which_there_are_no_documents_is_not_found_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(COLLECTIONS, "capsules")  # type: ignore[misc]
    with running_simulator(Content(Fleet(launches=30))) as running:
        answer = get(running, "/v4/capsules")
        assert answer.status_code == 404
        assert answer.text == (
            "The simulator has no documents of 'capsules'. Add what makes them to COLLECTIONS in "
            "spacex_assets/simulator/fleet.py."
        )
        (launch,) = query(running, {"options": {"limit": 1, "populate": ["launchpad"]}})["docs"]
        assert launch["launchpad"]["full_name"].endswith("(simulated)")
        change = {"endpoint": "capsules", "id": "x", "change": None}
        assert requests.post(f"{running.url}/simulator/edits", json=change, timeout=10).status_code == 400


def test_launches_of_version_4_list_their_crew_as_ids(simulator: RunningSimulator) -> None:
    new, old = get(simulator, "/v5/launches").json(), get(simulator, "/v4/launches").json()
    assert [launch["crew"] for launch in old] == [[one["crew"] for one in launch["crew"]] for launch in new]
    assert {**old[0], "crew": 0} == {**new[0], "crew": 0}


def test_the_views_of_launches(simulator: RunningSimulator) -> None:
    past, upcoming = get(simulator, "/v5/launches/past").json(), get(simulator, "/v5/launches/upcoming").json()
    assert len(past) + len(upcoming) == 205
    assert get(simulator, "/v5/launches/latest").json() == past[-1]
    assert get(simulator, "/v5/launches/next").json() == upcoming[0]


def test_a_query_answers_with_pages_in_an_envelope(simulator: RunningSimulator) -> None:
    page = query(simulator, {"query": {}, "options": {"page": 2, "sort": {"_id": 1}}})
    assert {key: page[key] for key in page if key != "docs"} == {
        **{"totalDocs": 205, "offset": 10, "limit": 10, "totalPages": 21, "page": 2, "pagingCounter": 11},
        **{"hasPrevPage": True, "hasNextPage": True, "prevPage": 1, "nextPage": 3},
    }
    assert [launch["id"] for launch in page["docs"]] == [launch["id"] for launch in FLEET["launches"][10:20]]
    assert query(simulator, {"options": {"pagination": False}})["limit"] == 205


@pytest.mark.parametrize(
    "filter_",
    [
        {"upcoming": True},
        {"flight_number": {"$gt": 187}},
        {"$and": [{"success": None}, {"upcoming": {"$ne": False}}]},
        {"upcoming": {"$in": [True]}, "name": {"$regex": "^mission", "$options": "i"}},
        {"$nor": [{"upcoming": False}]},
        {"upcoming": {"$not": {"$eq": False}}},
        {"cores": {"$elemMatch": {"landing_attempt": None}}},
    ],
)
def test_filters_select_the_upcoming_launches(simulator: RunningSimulator, filter_: object) -> None:
    page = query(simulator, {"query": filter_, "options": {"limit": 100, "select": "id upcoming"}})
    assert {launch["upcoming"] for launch in page["docs"]} == {True}
    assert page["totalDocs"] == 18
    assert set(page["docs"][0]) == {"id", "upcoming"}


def test_other_filters_and_options(simulator: RunningSimulator) -> None:
    first = FLEET["launches"][0]
    assert query(simulator, {"query": {"_id": first["id"]}})["docs"] == [first]
    assert query(simulator, {"query": {"links.flickr.original": {"$size": 0}}})["totalDocs"] > 20
    assert query(simulator, {"query": {"nothing": {"$exists": True}}})["totalDocs"] == 0
    assert (
        query(
            simulator,
            {"query": {"ships": {"$nin": next(launch["ships"] for launch in FLEET["launches"] if launch["ships"])}}},
        )["totalDocs"]
        < 205
    )
    assert query(simulator, {"query": {"$text": {"$search": "S1000"}}}, "v4/cores")["totalDocs"] == 1
    assert query(simulator, {"query": {"$or": [{"flight_number": 1}, {"flight_number": {"$lt": 3}}]}})["totalDocs"] == 2
    newest = query(simulator, {"options": {"sort": "-flight_number", "limit": 1, "populate": ["rocket", "cores.core"]}})
    assert newest["docs"][0]["flight_number"] == 203
    assert newest["docs"][0]["rocket"]["name"].startswith("Sparrow")
    assert query(simulator, {"options": {"select": {"name": 1}}}, "v4/roadster")["name"].startswith("A car")


@pytest.mark.parametrize(
    "body", ["[", '{"query": {"x": {"$bad": 1}}}', '{"query": {"$bad": 1}}', '{"options": {"limit": "x"}}']
)
def test_a_bad_query_gets_400_and_a_text(simulator: RunningSimulator, body: str) -> None:
    answer = requests.post(f"{simulator.url}/v5/launches/query", data=body, timeout=10)
    assert answer.status_code == 400
    assert answer.text
    assert requests.post(f"{simulator.url}/v4/company/query", json={}, timeout=10).status_code == 404


def test_documents_are_corrected_for_good_and_reset(tmp_path: Path) -> None:
    file = tmp_path / "edits.json"
    first, second = FLEET["cores"][:2]
    with running_simulator(Content(Fleet(), file)) as simulator:
        change = {"endpoint": "cores", "id": first["id"], "change": {"block": None, "status": "lost"}}
        assert requests.post(f"{simulator.url}/simulator/edits", json=change, timeout=10).status_code == 200
        unknown = {**change, "id": "0" * 24}
        assert requests.post(f"{simulator.url}/simulator/edits", json=unknown, timeout=10).status_code == 400
        assert get(simulator, f"/v4/cores/{first['id']}").json()["status"] == "lost"
        assert requests.post(f"{simulator.url}/simulator/faults", json={"kind": "x"}, timeout=10).status_code == 400
    content = Content(Fleet(), file)
    content.edit("cores", second["id"], None)
    content.edit("cores", "a" * 24, {**second, "id": "a" * 24})
    content.edit("launches", FLEET["launches"][0]["id"], {"links.patch.small": "x"})
    again = Content(Fleet(), file)
    assert [core["id"] for core in again.documents("cores")][0::82] == [first["id"], "a" * 24]
    assert next(again.documents("launches"))["links"]["patch"]["small"] == "x"
    with pytest.raises(EditRefused, match="has no document"):
        again.edit("cores", "b" * 24, None)
    again.reset()
    assert list(Content(Fleet(), file).documents("cores")) == FLEET["cores"]


def test_a_session_speaks_to_the_fleet_without_a_socket() -> None:
    session = requests.Session()
    session.mount("http://simulator.invalid", SimulatorAdapter(seed=42, launches=205))
    answer = session.get("http://simulator.invalid/v4/cores", stream=True)
    assert json.loads(b"".join(answer.iter_content(100))) == FLEET["cores"]
    tag = answer.headers["ETag"]
    assert session.get("http://simulator.invalid/v4/cores", headers={"If-None-Match": tag}).status_code == 304
