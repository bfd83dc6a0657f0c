import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.kinds import TEXT
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import WorldMismatch
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.parse import LONGEST_ID
from spacex_assets.transform.typed import BROKEN_LIMIT, SnapshotBroken, Typed, typed

FLEET = Fleet(launches=30)


def judged(endpoint: str, values: list[dict[str, Any]], *, simulated: bool = True, **options: Any) -> Typed:
    return typed(ENDPOINTS[endpoint], lambda: [json.dumps(values).encode()], simulated=simulated, **options)


def parse(endpoint: str, values: list[dict[str, Any]], *, simulated: bool = True) -> dict[str, Any]:
    result = judged(endpoint, values, simulated=simulated)
    assert not result.intake.rejected
    return dict(result.frames)


def sample(endpoint: str) -> dict[str, Any]:
    return dict(next(iter(FLEET.documents(endpoint))))


@pytest.mark.parametrize(
    ("endpoint", "change", "words"),
    [
        ("launches", {"flight_number": "7"}, r"\$\.flight_number: expected a valid integer, found '7'"),
        ("launches", {"flight_number": True}, r"\$\.flight_number"),
        ("launches", {"flight_number": 2**31}, r"\$\.flight_number"),
        (
            "launches",
            {"date_utc": "2020-02-30T00:00:00.000Z"},
            r"\$\.date_utc: expected a day that the calendar has, found '2020",
        ),
        ("launches", {"date_utc": "2020-02-03T00:00:00.000"}, r"\$\.date_utc"),
        ("launches", {"name": "x\0y"}, r"\$\.name"),
        ("launches", {"name": None}, r"\$\.name"),
        (
            "launches",
            {"rocket": "not an id"},
            r"\$\.rocket: expected a text that matches \^\[0-9a-f\]\{24\}\$, found 'not",
        ),
        ("launches", {"crew": [{"crew": None, "role": 5}]}, r"\$\.crew\[0\]\.role"),
        ("launches", {"links": None}, r"\$\.links"),
        ("launches", {"payloads": ["a" * 24, "a" * 24]}, r"\$\.payloads.*references that do not repeat"),
        ("launches", {"name": ""}, r"\$\.name: expected a text of at least 1 character\(s\), found ''"),
        ("launches", {"news": "x\0y"}, r"expected no NUL character, found one in an undeclared field"),
        ("launches", {"news": 10**50}, r"\$: expected JSON that Polars can read, found InvalidNumber"),
        ("launches", {"_extra": {"a": 1}}, r"\$: expected JSON that Polars can read"),
        ("payloads", {"mass_kg": 10**50}, r"\$: expected JSON that Polars can read, found InvalidNumber"),
        ("payloads", {"mass_kg": "5"}, r"\$\.mass_kg"),
        ("payloads", {"norad_ids": [1.5]}, r"\$\.norad_ids\[0\]"),
        ("launches", {"date_local": "2020-05-30T15:22:00+12:75"}, r"\$\.date_local"),
        ("launches", {"date_utc": "2020-05-30T24:00:00Z"}, r"\$\.date_utc"),
        ("launches", {"name": "\ud800"}, r"\$: expected JSON that every reader can read, found unexpected end"),
        ("starlink", {"spaceTrack": {"DECAYED": 2}}, r"\$\.spaceTrack\.DECAYED"),
        ("starlink", {"spaceTrack": {"DECAYED": True}}, r"\$\.spaceTrack\.DECAYED"),
        ("starlink", {"spaceTrack": {"DECAYED": 1.0}}, r"\$\.spaceTrack\.DECAYED"),
        ("rockets", {"first_flight": "2010-13-01"}, r"\$\.first_flight: expected a day that the calendar has, found"),
    ],
)
def test_a_document_that_breaks_its_record_goes_to_quarantine_alone(
    endpoint: str, change: dict[str, Any], words: str
) -> None:
    document = {**sample(endpoint), **change}
    other = {**sample(endpoint), "id": "f" * 24}
    result = judged(endpoint, [other, document])
    (rejected,) = result.intake.rejected
    assert re.search(words, str(rejected))
    assert (rejected.document_id, json.loads(rejected.text)) == (document["id"], document)
    assert result.frames[endpoint]["id"].to_list() == [other["id"]]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_empty_text_is_a_breach_where_a_column_is_never_null(endpoint: str) -> None:
    never_null = [
        column for column in ENDPOINTS[endpoint].layouts[0].columns if column.kind is TEXT and not column.nullable
    ]
    for column in never_null:
        document = json.loads(json.dumps(sample(endpoint)))
        holder = document
        for name in column.path[:-1]:
            holder = holder[name]
        holder[column.path[-1]] = ""
        (rejected,) = judged(endpoint, [document]).intake.rejected
        assert [breach.path for breach in rejected.breaches] == [f"$.{column.source}"]


def test_a_document_without_id_is_named_by_its_content() -> None:
    document = sample("cores")
    del document["id"]
    result = judged("cores", [sample("cores"), document, document])
    (rejected,) = result.intake.rejected
    assert str(rejected).startswith(
        f"a document without a readable id ({rejected.key}), $.id: expected a value, found nothing"
    )
    assert (result.intake.accepted, result.intake.quarantined, result.intake.collapsed) == (1, 1, 1)


def test_an_id_too_long_to_be_shown_is_none() -> None:
    document = {**sample("cores"), "id": "a" * 9000}
    result = judged("cores", [sample("cores"), document, document, {**document, "serial": "another"}])
    assert (result.intake.accepted, result.intake.quarantined, result.intake.collapsed) == (1, 2, 1)
    for rejected in result.intake.rejected:
        assert str(rejected).startswith(f"a document without a readable id (sha256:{rejected.key[7:]}), $.id: expected")
        assert len(str(rejected)) < 400
        assert json.loads(rejected.text)["id"] == document["id"]
    longest = {**document, "id": "a" * LONGEST_ID}
    assert judged("cores", [sample("cores"), longest]).intake.rejected[0].key == longest["id"]


@pytest.mark.parametrize(("element", "found"), [(None, "None"), (7, "7"), ("{", "'{'"), ([{"id": "a" * 24}], "[{")])
def test_an_element_that_is_no_object_goes_to_quarantine_alone(element: Any, found: str) -> None:
    result = judged("cores", [element, sample("cores"), element])
    (rejected,) = result.intake.rejected
    assert str(rejected).startswith(f"a document without a readable id ({rejected.key}), $: expected an object, found")
    assert found in str(rejected)
    assert json.loads(rejected.text) == element
    assert (result.intake.documents, result.intake.accepted, result.intake.quarantined) == (3, 1, 1)
    assert result.intake.collapsed == 1


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


def test_copies_that_are_alike_collapse_and_differing_ones_are_all_quarantined() -> None:
    first, second = [{**sample("launches"), "id": name * 24} for name in "ab"]
    again = json.loads(json.dumps(dict(reversed(first.items()))))
    other = {**second, "details": "another"}
    result = judged("launches", [first, second, again, other, second])
    intake = result.intake
    assert (intake.documents, intake.accepted, intake.quarantined, intake.collapsed) == (5, 1, 3, 1)
    (rejected,) = intake.rejected
    assert str(rejected) == f"document {'b' * 24}, $.id: expected one document per id, found 3 differing copies"
    assert json.loads(rejected.text) == [second, other, second]
    for layout in ENDPOINTS["launches"].layouts:
        expected = parse("launches", [first])[layout.name]
        assert result.frames[layout.name].equals(expected)


@pytest.mark.parametrize(
    ("numbers", "alike"),
    [
        (("266712", "266712.0", "2.66712e5"), True),
        (("0.1", "0.10", "1e-1"), True),
        (("0", "-0.0"), True),
        (("1e22", "10000000000000000000000"), True),
        (("266712", "266712.5"), False),
        (("9007199254740992", "9007199254740993"), False),
        (("1", "true"), False),
        (("1", '"1"'), False),
        (("0", "null"), False),
    ],
)
def test_copies_are_alike_if_their_numbers_are_equal_by_value(numbers: tuple[str, ...], alike: bool) -> None:
    text = json.dumps({**sample("ships"), "news": [0.125]})
    body = f"[{','.join(text.replace('0.125', number) for number in numbers)}]".encode()
    intake = typed(ENDPOINTS["ships"], lambda: [body], simulated=True).intake
    quarantined = 0 if alike else len(numbers)
    assert (intake.accepted, intake.quarantined) == (int(alike), quarantined)
    assert intake.collapsed == (len(numbers) - 1 if alike else 0)


def test_a_measure_written_in_two_ways_is_loaded_once() -> None:
    result = judged("ships", [{**sample("ships"), "mass_kg": mass} for mass in (266712, 266712.0)])
    assert (result.intake.accepted, result.intake.collapsed) == (1, 1)
    assert result.frames["ships"]["mass_kg"].to_list() == [266712.0]


def test_a_copy_that_breaks_its_record_only_by_how_a_number_is_written_makes_the_other_doubtful() -> None:
    result = judged("cores", [{**sample("cores"), "reuse_count": count} for count in (3, 3.0)])
    assert (result.intake.accepted, result.intake.quarantined, result.intake.collapsed) == (0, 2, 0)
    assert result.frames["cores"].height == 0


def test_a_broken_copy_makes_a_healthy_one_doubtful() -> None:
    healthy = sample("cores")
    result = judged("cores", [healthy, {**healthy, "serial": 5}])
    assert (result.intake.accepted, result.intake.quarantined) == (0, 2)
    assert "2 differing copies; $.serial: expected a valid string, found 5" in str(result.intake.rejected[0])


def test_undeclared_fields_are_kept_with_their_paths_and_values() -> None:
    document = sample("launches")
    document["news"] = {"b": [1, None], "a": "é"}
    document["links"] = {**document["links"], "podcast": True}
    document["cores"] = [{**document["cores"][0], "mass": 1.5}]
    plain = {**sample("launches"), "id": "f" * 24}
    extra = parse("launches", [plain, document])["launches"]["_extra"].to_list()
    assert extra[0] is None
    assert json.loads(extra[1]) == {"$.cores[0].mass": 1.5, "$.links.podcast": True, "$.news": document["news"]}


def test_undeclared_fields_with_dots_in_their_names_do_not_hide_others() -> None:
    document = sample("launches") | {"links.podcast": 1, "back": r"slash \u0000"}
    document["links"] = {**document["links"], "podcast": 2}
    (extra,) = parse("launches", [document])["launches"]["_extra"]
    assert json.loads(extra) == {'$["links.podcast"]': 1, "$.links.podcast": 2, "$.back": r"slash \u0000"}


def test_the_contract_mode_decides_about_undeclared_fields() -> None:
    document = {**sample("cores"), "news": 1}
    discarded = judged("cores", [document], mode=ContractMode.DISCARD)
    assert discarded.frames["cores"]["_extra"].to_list() == [None]
    frozen = judged("cores", [document], mode=ContractMode.FREEZE)
    assert "$.news: expected no undeclared field, found 1" in str(frozen.intake.rejected[0])


def test_a_value_that_is_not_declared_breaks_the_record_only_where_that_is_frozen() -> None:
    document = {**sample("cores"), "status": "resting"}
    assert parse("cores", [document])["cores"]["status"].to_list() == ["resting"]
    frozen = judged("cores", [document, {**sample("cores"), "id": "f" * 24}], mode=ContractMode.FREEZE)
    assert frozen.intake.accepted == 1
    assert "$.status: expected one of active, inactive" in str(frozen.intake.rejected[0])
    empty = judged("ships", [{**sample("ships"), "type": ""}], mode=ContractMode.FREEZE)
    assert empty.intake.accepted == 1


def test_a_field_called_like_the_column_of_undeclared_fields_is_one() -> None:
    document = {**sample("cores"), "_extra": "mine"}
    assert parse("cores", [document])["cores"]["_extra"].to_list() == ['{"$._extra": "mine"}']


def test_a_body_of_nothing_but_rubble_is_given_up_before_memory_is() -> None:
    def batches() -> Iterator[bytes]:
        for _ in range(1 + BROKEN_LIMIT // 10_000):
            yield b"[" + b",".join([b"1"] * 10_000) + b"]"
        raise AssertionError("more of it was read")

    with pytest.raises(SnapshotBroken, match=rf"at most {BROKEN_LIMIT} documents .* the first: .*found 1"):
        typed(ENDPOINTS["ships"], batches, simulated=True)
