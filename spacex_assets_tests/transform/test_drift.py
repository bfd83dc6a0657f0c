"""What counts as drift, on simulated and recorded documents that are changed by hand."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.simulator.content import Recordings
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.drift import Change, Drift, against_profile, against_record
from spacex_assets.transform.intake import Intake
from spacex_assets.transform.profile import Profile
from spacex_assets.transform.typed import typed

Documents = list[dict[str, Any]]
FLEET = Fleet(launches=30)


def documents(endpoint: str) -> Documents:
    return json.loads(json.dumps(list(FLEET.documents(endpoint))))


def intake(endpoint: str, values: Documents, *, simulated: bool = True, size: int = 7, **options: Any) -> Intake:
    batches = [json.dumps(values[start : start + size]).encode() for start in range(0, len(values), size)]
    return typed(ENDPOINTS[endpoint], lambda: batches, simulated=simulated, **options).intake


def profile(endpoint: str, values: Documents) -> Profile:
    return intake(endpoint, values).profile


def changed(endpoint: str, change: Callable[[dict[str, Any]], object]) -> Profile:
    """The profile of an endpoint's documents after a change of each."""
    values = documents(endpoint)
    for value in values:
        change(value)
    return profile(endpoint, values)


def found(drifts: Any) -> list[tuple[str, str, str | None, str, str | None]]:
    return [(drift.path, drift.change.value, drift.before, drift.after, drift.example) for drift in drifts]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_simulated_documents_keep_their_records_at_any_size(endpoint: str) -> None:
    for size in (1, 12, 205):
        values = list(Fleet(launches=size).documents(endpoint))
        assert found(against_record(profile(endpoint, values))) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_recorded_documents_keep_their_records(recordings: Path, endpoint: str) -> None:
    values = list(Recordings(recordings).documents(endpoint))
    seen = intake(endpoint, values, simulated=False, size=1000, mode=ContractMode.FREEZE)
    assert (found(against_record(seen.profile)), seen.rejected, seen.refusal) == ([], (), None)


def test_an_undeclared_field_of_one_document_is_named_by_its_path_with_an_example() -> None:
    values = documents("launches")
    values[20]["cores"][0]["mood"] = {"of": "the day"}
    assert found(against_record(profile("launches", values))) == [
        ("$.cores[].mood", "undeclared", "not declared", "object", '{"of": "the day"}')
    ]


def test_an_undeclared_field_is_reported_though_it_is_not_stored() -> None:
    values = [{**value, "news": 1} for value in documents("cores")]
    for mode in ContractMode:
        (drift,) = against_record(intake("cores", values, mode=mode).profile)
        assert (drift.path, drift.change) == ("$.news", Change.UNDECLARED)


def test_a_value_outside_of_the_declared_ones_is_drift_wherever_it_is_in_the_document() -> None:
    values = documents("launches")
    values[0]["date_precision"], values[3]["cores"][0]["landing_type"] = "era", "Net"
    assert found(against_record(profile("launches", values))) == [
        ("$.date_precision", "value", None, "era", "era"),
        ("$.cores[].landing_type", "value", None, "Net", "Net"),
    ]


def test_a_field_that_no_document_has_is_missing_but_one_that_is_null_or_has_no_place_is_not() -> None:
    assert found(against_record(changed("launches", lambda one: one.pop("details")))) == [
        ("$.details", "missing", "declared", "absent", None)
    ]
    assert found(against_record(changed("launches", lambda one: one["links"]["patch"].pop("small")))) == [
        ("$.links.patch.small", "missing", "declared", "absent", None)
    ]
    assert found(against_record(changed("launches", lambda one: one.update(details=None, cores=[])))) == []


def test_a_field_of_one_document_is_not_missing() -> None:
    values = documents("launches")
    for value in values[:-1]:
        del value["details"]
    assert found(against_record(profile("launches", values))) == []


@pytest.mark.parametrize("endpoint", ["launches", "payloads", "starlink"])
def test_a_snapshot_does_not_drift_from_itself_nor_from_its_batches_nor_from_nothing(endpoint: str) -> None:
    values = documents(endpoint)
    whole = profile(endpoint, values)
    assert intake(endpoint, values, size=1).profile == whole
    assert found(against_profile(whole, whole)) == found(against_profile((), whole)) == []


def test_what_changed_since_the_snapshot_before_is_named_with_before_and_after() -> None:
    now = profile("cores", documents("cores"))
    null = changed("cores", lambda one: one.update(last_update=None))
    text = next(field.example for field in now if field.path == "$.last_update")
    assert found(against_profile(now, null)) == [("$.last_update", "null", "15 given, 2 null", "17 null", text)]
    assert found(against_profile(null, now)) == [("$.last_update", "filled", "17 null", "15 given, 2 null", text)]
    absent = changed("cores", lambda one: one.pop("last_update"))
    assert found(against_profile(absent, now)) == [("$.last_update", "appeared", "absent", "string", text)]
    assert found(against_profile(now, absent)) == []
    given = changed("capsules", lambda one: one.update(dragon="a" * 24))
    assert found(against_profile(profile("capsules", documents("capsules")), given)) == [
        ("$.dragon", "appeared", "absent", "string", f'"{"a" * 24}"')
    ]


def counted(seen: Profile, path: str) -> tuple[int, int, int]:
    """How many objects have the field other than null, null, and not at all."""
    (field,) = (field for field in seen if field.path == path)
    assert field.objects == field.given + field.null + field.absent
    return field.given, field.null, field.absent


def test_given_null_and_absent_are_counted_apart_wherever_a_field_is() -> None:
    values = documents("launches")[:10]
    for number, value in enumerate(values):
        patch, core = value["links"]["patch"], dict.fromkeys(value["cores"][0])
        patch["small"], value["details"], value["fairings"] = "x", "x", {"reused": True}
        value["crew"], value["cores"], core["flight"] = [], [core], 1
        if number < 5:
            patch["small"] = value["details"] = value["fairings"] = value["crew"] = core["flight"] = None
        if number < 2:
            del patch["small"], value["details"], value["fairings"], value["crew"], core["flight"]
    for size in (1, 4, 10):
        seen = intake("launches", values, size=size).profile
        for path in ("$.details", "$.links.patch.small", "$.fairings", "$.crew", "$.cores[].flight"):
            assert counted(seen, path) == (5, 3, 2), path
        assert counted(seen, "$.fairings.reused") == (5, 0, 0)
        assert counted(seen, "$.fairings.ships") == (0, 0, 5)
        assert counted(seen, "$.links.patch") == (10, 0, 0)


def test_an_undeclared_field_is_counted_like_a_declared_one() -> None:
    values = documents("cores")[:10]
    for number, value in enumerate(values[:7]):
        value["new-field"] = None if number < 3 else 1
    assert counted(profile("cores", values), '$["new-field"]') == (4, 3, 3)


def test_a_source_that_sends_every_document_twice_does_not_drift() -> None:
    once = documents("launches")
    before, after = profile("launches", once), profile("launches", [*once, *once])
    assert found(against_profile(before, after)) == []


def test_copies_of_a_document_do_not_hide_that_another_has_a_field() -> None:
    values = documents("cores")[:2]
    del values[0]["last_update"]
    values[1]["last_update"] = None
    assert counted(profile("cores", [values[0], *values]), "$.last_update") == (0, 1, 1)
    assert found(against_record(profile("cores", [values[0], *values]))) == []


SATELLITES = documents("starlink")
OBJECT_ID = "$.spaceTrack.OBJECT_ID"


def satellites(without: int, *, absent: bool = False, of: int = len(SATELLITES)) -> Profile:
    """The profile of the first so many satellites, so many of which have no OBJECT_ID."""
    values = json.loads(json.dumps(SATELLITES[:of]))
    for value in values[:without]:
        value["spaceTrack"]["OBJECT_ID"] = None
        if absent:
            del value["spaceTrack"]["OBJECT_ID"]
    return profile("starlink", values)


def test_a_field_that_all_but_one_document_lost_is_drift_both_ways() -> None:
    every, text = len(SATELLITES), json.dumps(SATELLITES[0]["spaceTrack"]["OBJECT_ID"])
    whole, null, absent = satellites(0), satellites(every - 1), satellites(every - 1, absent=True)
    last = json.dumps(SATELLITES[-1]["spaceTrack"]["OBJECT_ID"])
    lost, gone = f"1 given, {every - 1} null", f"1 given, {every - 1} absent"
    assert every > 100
    assert found(against_profile(whole, null)) == [(OBJECT_ID, "null", f"{every} given", lost, text)]
    assert found(against_profile(null, whole)) == [(OBJECT_ID, "filled", lost, f"{every} given", text)]
    assert found(against_profile(whole, absent)) == [(OBJECT_ID, "disappeared", f"{every} given", gone, text)]
    assert found(against_profile(absent, whole)) == [(OBJECT_ID, "appeared", gone, f"{every} given", text)]
    assert found(against_profile(null, absent)) == [(OBJECT_ID, "disappeared", lost, gone, last)]


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "of", "drifts"),
    [
        (0, 1, 100, False),
        (0, 19, 100, False),
        (0, 20, 100, True),
        (60, 80, 100, True),
        (60, 79, 100, False),
        (0, 2, 4, False),
        (0, 3, 4, True),
    ],
)
def test_a_field_drifts_if_it_changed_in_three_documents_and_a_fifth_of_all(
    before: int, after: int, of: int, drifts: bool, absent: bool
) -> None:
    lost, got = ("disappeared", "appeared") if absent else ("null", "filled")
    old, new = (satellites(without, of=of, absent=absent) for without in (before, after))
    assert [drift.change for drift in against_profile(old, new)] == [lost] * drifts
    assert [drift.change for drift in against_profile(new, old)] == [got] * drifts


def test_a_field_drifts_if_it_changed_in_all_documents_however_few_they_are() -> None:
    whole, half, none = (satellites(without, of=2) for without in (0, 1, 2))
    assert [drift.change for drift in against_profile(whole, none)] == ["null"]
    assert [drift.change for drift in against_profile(none, whole)] == ["filled"]
    assert [*against_profile(whole, half), *against_profile(half, none), *against_profile(none, half)] == []


@pytest.mark.parametrize(("lost", "drifts"), [(1, False), (2, False), (3, True), (100, True)])
def test_the_last_values_and_the_first_are_drift_from_three_on(lost: int, drifts: bool) -> None:
    some, none = satellites(100 - lost, of=100), satellites(100, of=100)
    assert [drift.change for drift in against_profile(some, none)] == ["null"] * drifts
    assert [drift.change for drift in against_profile(none, some)] == ["filled"] * drifts


def without_object_id(values: Documents) -> Documents:
    return [{**value, "spaceTrack": {**value["spaceTrack"], "OBJECT_ID": None}} for value in values]


def grown(had: int, new: int) -> bool:
    """Whether it is drift if new satellites have no OBJECT_ID, while those before have one."""
    values = SATELLITES[:1] * (had + new)
    values = [{**value, "id": f"{number:024x}"} for number, value in enumerate(values)]
    before, after = profile("starlink", values[:had]), [*values[:had], *without_object_id(values[had:])]
    assert found(against_profile(profile("starlink", after), before)) == []
    return [drift.path for drift in against_profile(before, profile("starlink", after))] == [OBJECT_ID]


def test_what_new_documents_lack_is_drift_only_if_nearly_all_of_many_had_it() -> None:
    assert (grown(29, 29), grown(30, 7), grown(30, 8), grown(100, 24), grown(100, 25)) == (
        *(False, False, True, False, True),
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_simulated_documents_that_arrive_one_after_the_other_do_not_drift(endpoint: str) -> None:
    values = documents(endpoint)[:60]
    steps = [profile(endpoint, values[:count]) for count in range(1, len(values) + 1)]
    for before, after in itertools.pairwise(steps):
        assert found(against_profile(before, after)) == []


@pytest.mark.parametrize("endpoint", ["launches", "payloads", "cores", "ships"])
def test_the_recorded_documents_as_they_came_do_not_drift(recordings: Path, endpoint: str) -> None:
    values = list(Recordings(recordings).documents(endpoint))
    steps = [intake(endpoint, values[:count], simulated=False).profile for count in range(1, len(values) + 1)]
    for before, after in itertools.pairwise(steps):
        assert found(against_profile(before, after)) == []


def test_every_undeclared_value_is_named_and_of_too_many_how_many_there_are() -> None:
    def rows(values: int) -> list[tuple[str, str, str | None, str, str | None]]:
        changed = json.loads(json.dumps(SATELLITES[:values]))
        for number, value in enumerate(changed):
            value["spaceTrack"]["RCS_SIZE"] = f"V{number:03}"
        return found(against_record(profile("starlink", changed)))

    path = "$.spaceTrack.RCS_SIZE"
    assert rows(30) == [(path, "value", None, f"V{number:03}", f"V{number:03}") for number in range(30)]
    assert len(rows(100)) == 100
    *listed, others = rows(130)
    assert [row[3] for row in listed] == [f"V{number:03}" for number in range(100)]
    assert others[1:4] == (
        "value",
        "130 undeclared values, the first 100 of the alphabet listed",
        "others that are not listed",
    )


def test_an_undeclared_field_can_change_its_type_and_disappear() -> None:
    without = profile("cores", documents("cores"))
    number, text = (changed("cores", lambda one, news=news: one.update(news=news)) for news in (1, "one"))
    assert found(against_profile(without, number)) == []
    assert found(against_profile(number, text)) == [("$.news", "type", "number", "string", '"one"')]
    assert found(against_profile(number, without)) == [("$.news", "disappeared", "number", "absent", "1")]
    assert found(against_profile(number, changed("cores", lambda one: one.update(news=1.5)))) == []


def test_a_declared_field_changes_its_type_though_the_documents_are_in_quarantine() -> None:
    values = documents("cores")
    values[0]["reuse_count"], values[1]["serial"] = "three", None
    seen = intake("cores", values)
    assert seen.quarantined == 2
    assert [drift[:4] for drift in found(against_profile(profile("cores", documents("cores")), seen.profile))] == [
        ("$.serial", "type", "string", "null, string"),
        ("$.reuse_count", "type", "number", "number, string"),
    ]


def test_what_a_list_of_objects_never_had_before_is_no_drift() -> None:
    alone = changed("launches", lambda one: one.update(crew=[], failures=[]))
    crewed = changed(
        "launches",
        lambda one: one.update(crew=[{"crew": None, "role": "Pilot"}], failures=[{"time": 1, "altitude": None}]),
    )
    assert found(against_profile(alone, crewed)) == []


def test_the_fields_of_an_object_that_was_undeclared_did_not_appear() -> None:
    after = profile("payloads", documents("payloads"))
    before = tuple(field for field in after if not field.path.startswith("$.dragon"))
    (dragon,) = (field for field in after if field.path == "$.dragon")
    undeclared = (*before, dragon.model_copy(update={"declared": False}))
    assert found(against_profile(undeclared, after)) == []
    assert {drift.path for drift in against_profile(before, after)} > {"$.dragon", "$.dragon.capsule"}


def test_one_undeclared_field_or_value_refuses_all_of_a_frozen_endpoint() -> None:
    values = documents("cores")
    assert intake("cores", values, mode=ContractMode.FREEZE).refusal is None
    values[3]["news"] = 5
    refused = intake("cores", values, mode=ContractMode.FREEZE)
    assert refused.quarantined == 1
    assert "$.news undeclared: not declared → number, for example 5" in str(refused.refusal)
    del values[3]["news"]
    values[3]["status"] = "resting"
    assert "$.status value: resting" in str(intake("cores", values, mode=ContractMode.FREEZE).refusal)
    values[3]["status"] = 5
    assert intake("cores", values, mode=ContractMode.FREEZE).refusal is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name not in CORE_FIELDS), json_values, max_size=4))
def test_any_undeclared_fields_are_found_each_once_and_nothing_else(fields: dict[str, Any]) -> None:
    values = documents("cores")[:3]
    values[1] |= fields
    drifts = list(against_record(profile("cores", values)))
    assert {drift.change for drift in drifts} <= {Change.UNDECLARED}
    assert len(drifts) == len({drift.path for drift in drifts}) == len(fields)
    assert all(len(drift.example or "") <= 100 and "\0" not in drift.path for drift in drifts)


CORE_FIELDS = {field.path.removeprefix("$.") for field in profile("cores", documents("cores")[:1])}


def test_a_finding_reads_as_a_sentence() -> None:
    drift = Drift(path="$.a", change=Change.TYPE, before="number", after="string", example='"x"')
    assert str(drift) == '$.a type: number → string, for example "x"'
