import json
from typing import Any

import pytest

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import WorldMismatch
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.flatten import frames
from spacex_assets.transform.parse import RecordBroken, documents

FLEET = Fleet(launches=30)


def parse(endpoint: str, values: list[dict[str, Any]], *, simulated: bool = True) -> dict[str, Any]:
    declared = ENDPOINTS[endpoint]
    batches = documents(declared, [json.dumps(values).encode()], simulated=simulated)
    return frames(batches, declared.layouts)


def sample(endpoint: str) -> dict[str, Any]:
    return dict(next(iter(FLEET.documents(endpoint))))


@pytest.mark.parametrize(
    ("endpoint", "change", "words"),
    [
        ("launches", {"flight_number": "7"}, r"\$\.flight_number: expected a valid integer, found '7'"),
        ("launches", {"flight_number": True}, r"\$\.flight_number"),
        ("launches", {"flight_number": 2**31}, r"\$\.flight_number"),
        ("launches", {"date_utc": "2020-02-30T00:00:00.000Z"}, r"\$\.date_utc.*day is out of range"),
        ("launches", {"date_utc": "2020-02-03T00:00:00.000"}, r"\$\.date_utc"),
        ("launches", {"name": "x\0y"}, r"\$\.name"),
        ("launches", {"name": None}, r"\$\.name"),
        ("launches", {"rocket": "not an id"}, r"\$\.rocket"),
        ("launches", {"crew": [{"crew": None, "role": 5}]}, r"\$\.crew\[0\]\.role"),
        ("launches", {"links": None}, r"\$\.links"),
        ("payloads", {"mass_kg": "5"}, r"\$\.mass_kg"),
        ("payloads", {"norad_ids": [1.5]}, r"\$\.norad_ids\[0\]"),
        ("launches", {"date_local": "2020-05-30T15:22:00+12:75"}, r"\$\.date_local"),
        ("launches", {"date_utc": "2020-05-30T24:00:00Z"}, r"\$\.date_utc"),
        ("launches", {"name": "\ud800"}, r"Invalid JSON"),
        ("starlink", {"spaceTrack": {"DECAYED": 2}}, r"\$\.spaceTrack\.DECAYED"),
        ("starlink", {"spaceTrack": {"DECAYED": True}}, r"\$\.spaceTrack\.DECAYED"),
        ("starlink", {"spaceTrack": {"DECAYED": 1.0}}, r"\$\.spaceTrack\.DECAYED"),
        ("rockets", {"first_flight": "2010-13-01"}, r"\$\.first_flight"),
    ],
)
def test_a_document_that_breaks_its_record_is_named(endpoint: str, change: dict[str, Any], words: str) -> None:
    document = {**sample(endpoint), **change}
    with pytest.raises(RecordBroken, match=words) as raised:
        parse(endpoint, [sample(endpoint), document])
    assert document["id"] in str(raised.value)


def test_a_document_without_id_is_named_by_its_place() -> None:
    document = sample("cores")
    del document["id"]
    with pytest.raises(RecordBroken, match=r"#1 .without a readable id.*expected Field required, found nothing"):
        parse("cores", [sample("cores"), document])


def test_real_and_simulated_documents_are_refused_in_each_others_world() -> None:
    real = {**sample("cores"), "serial": "B1051"}
    with pytest.raises(WorldMismatch, match="1 document"):
        parse("cores", [sample("cores"), real])
    with pytest.raises(WorldMismatch, match="are simulated"):
        parse("cores", [sample("cores")], simulated=False)


def test_nulls_stay_null_and_empty_texts_become_null() -> None:
    row = parse("ships", [{**sample("ships"), "status": "", "mass_kg": None, "roles": [], "launches": None}])["ships"]
    found = row.row(0, named=True)
    assert (found["status"], found["mass_kg"], found["roles"], found["launch_ids"]) == (None, None, [], None)


def test_a_null_object_differs_from_an_object_of_nulls() -> None:
    nulls = {"reused": None, "recovery_attempt": None, "recovered": None, "ships": []}
    other = {**sample("launches"), "id": "f" * 24, "fairings": nulls}
    launches = parse("launches", [{**sample("launches"), "fairings": None}, other])["launches"]
    assert launches["has_fairings"].to_list() == [False, True]
    assert launches["fairings_reused"].to_list() == [None, None]


def test_local_time_keeps_its_instant_and_its_offset() -> None:
    local = {**sample("launches"), "date_local": "2020-05-30T15:22:00-04:30"}
    row = parse("launches", [local])["launches"].row(0, named=True)
    assert row["date_local"].isoformat() == "2020-05-30T19:52:00+00:00"
    assert row["date_local_utc_offset_minutes"] == -270


def test_starlink_epochs_keep_microseconds_and_flags_become_boolean() -> None:
    document = sample("starlink")
    document["spaceTrack"] = {**document["spaceTrack"], "EPOCH": "2020-10-13T02:56:59.566561", "DECAYED": 1}
    row = parse("starlink", [document])["starlink"].row(0, named=True)
    assert row["space_track_epoch"].isoformat() == "2020-10-13T02:56:59.566561+00:00"
    assert row["space_track_decayed"] is True


def test_an_empty_list_of_documents_gives_typed_empty_frames() -> None:
    for name, frame in parse("launches", []).items():
        layout = next(layout for layout in ENDPOINTS["launches"].layouts if layout.name == name)
        assert dict(frame.schema) == layout.schema
