"""What counts as drift, on simulated and recorded documents that are changed by hand."""

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
    assert found(against_profile(now, null)) == [("$.last_update", "null", "string", "null", text)]
    assert found(against_profile(null, now)) == [("$.last_update", "filled", "null", "string", text)]
    absent = changed("cores", lambda one: one.pop("last_update"))
    assert found(against_profile(absent, now)) == [("$.last_update", "appeared", "absent", "string", text)]
    assert found(against_profile(now, absent)) == []
    given = changed("capsules", lambda one: one.update(dragon="a" * 24))
    assert found(against_profile(profile("capsules", documents("capsules")), given)) == [
        ("$.dragon", "appeared", "absent", "string", f'"{"a" * 24}"')
    ]


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
