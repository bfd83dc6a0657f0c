"""The leaves of documents come back from the tables as the source sent them, on a real PostgreSQL."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacex_assets.assets.tables import table_writes
from spacex_assets.checks.leaves import Leaves, add_leaves, canonical, document_leaves
from spacex_assets.checks.stored import stored_leaves, telling_shapes
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.drift import open_drift
from spacex_assets.load.transaction import Origin
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.typed import typed

FLEET = Fleet(launches=12)


def sample(endpoint: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(next(iter(FLEET.documents(endpoint)))))
    return document


def loaded(warehouse: Warehouse, endpoint: str, text: str) -> tuple[Leaves, Leaves]:
    """The leaves of a document, given as JSON, and as the tables have it once it was loaded."""
    declared, body, document = ENDPOINTS[endpoint], f"[{text}]".encode(), json.loads(text)
    result = typed(declared, lambda: [body], simulated=True)
    assert result.intake.accepted == 1
    origin = Origin(endpoint, "test", "0" * 64, datetime(2026, 1, 1, tzinfo=UTC), result.intake, "run")
    for output in table_writes(declared, result.frames, origin, warehouse, Settings()):
        output.value.load.write(output.value.layout)
    with warehouse.engine.connect() as connection:
        (found,) = stored_leaves(connection, declared.layouts, [document["id"]]).values()
    return document_leaves(document, telling_shapes(declared.layouts)), found


def test_an_empty_list_differs_from_null_where_it_has_a_column(warehouse: Warehouse) -> None:
    raw, stored = loaded(warehouse, "cores", json.dumps(sample("cores") | {"launches": []}))
    assert stored == raw and raw["$.launches"] == []
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE spacex.cores SET launch_ids = NULL")
        (edited,) = stored_leaves(connection, ENDPOINTS["cores"].layouts, [sample("cores")["id"]]).values()
    assert raw.keys() - edited.keys() == {"$.launches"}


@pytest.mark.parametrize(
    ("endpoint", "fields", "path"),
    [
        ("ships", {"new-field": 1}, '$["new-field"]'),
        ("ships", {"new-field": {"a b": [{"": {"$": 1}}, None]}}, '$["new-field"]'),
        ("payloads", {"": 1}, '$[""]'),
        ("payloads", {"$id": 2}, '$["$id"]'),
        ("cores", {"a.b": 1}, '$["a.b"]'),
        ("cores", {'a"]["b': 1, "[0]": 2}, '$["[0]"]'),
        ("cores", {"größe": 1}, "$.größe"),
    ],
)
def test_a_field_of_any_name_comes_back_and_has_the_path_that_drift_has(
    warehouse: Warehouse, endpoint: str, fields: dict[str, Any], path: str
) -> None:
    raw, stored = loaded(warehouse, endpoint, json.dumps(sample(endpoint) | fields))
    assert stored == raw
    with warehouse.engine.connect() as connection:
        (extra,) = connection.exec_driver_sql(f"SELECT _extra FROM spacex.{endpoint}").scalars()
        assert path in extra
        assert {one.drift.path for one in open_drift(connection, endpoint)} == extra.keys()


def test_a_field_of_any_name_inside_an_object_and_a_list_comes_back(warehouse: Warehouse) -> None:
    document = sample("launches")
    document["links"]["patch"]["w x"] = "a"
    document["cores"][0]["re-used"] = True
    raw, stored = loaded(warehouse, "launches", json.dumps(document))
    assert stored == raw
    assert {'$.links.patch["w x"]', '$.cores[0]["re-used"]'} < raw.keys()
    with warehouse.engine.connect() as connection:
        paths = {one.drift.path for one in open_drift(connection, "launches")}
        assert paths == {'$.links.patch["w x"]', '$.cores[]["re-used"]'}


@pytest.mark.parametrize(
    "number",
    [
        *("1e300", "-1e300", "1.5e300", "1e16", "1e22", "1e23", "5e-324", "1.7976931348623157e308", "-0.0", "100e-2"),
        *(
            "9007199254740993",
            "9007199254740993.0",
            "123456789012345678901234567890",
            "123456789012345678901234567890.5",
        ),
        f"1{'0' * 38}",
    ],
)
def test_a_number_comes_back_by_value_from_an_undeclared_field(warehouse: Warehouse, number: str) -> None:
    text = json.dumps(sample("cores")).removesuffix("}") + f', "big": {number}, "more": [{{"big": [{number}]}}]}}'
    raw, stored = loaded(warehouse, "cores", text)
    assert stored == raw


@pytest.mark.parametrize(
    "number", ["9007199254740993", "-9007199254740993", "9223372036854775807", "1e300", "1e22", "7"]
)
def test_a_number_comes_back_from_a_measure_with_the_precision_of_a_double(warehouse: Warehouse, number: str) -> None:
    document = sample("payloads") | {"mass_kg": 0.125}
    raw, stored = loaded(warehouse, "payloads", json.dumps(document).replace("0.125", number))
    assert stored == raw


def test_whole_numbers_that_a_double_cannot_tell_apart_are_told_apart() -> None:
    numbers = (2**53, 2**53 + 1, 2**63 - 1, 2**63 - 2, -(2**53) - 1, 10**300, 10**300 + 1)
    assert len({canonical(number) for number in numbers}) == len(numbers)
    assert canonical(2.0**53) == canonical(2**53)
    assert canonical(1e300) == canonical(10**300)


def test_a_bigint_column_keeps_whole_numbers_that_a_double_cannot_tell_apart(warehouse: Warehouse) -> None:
    document = sample("payloads") | {"norad_ids": [2**53 + 1, 2**63 - 1]}
    raw, stored = loaded(warehouse, "payloads", json.dumps(document))
    assert stored == raw
    assert stored["$.norad_ids"] == [2**53 + 1, 2**63 - 1]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_undeclared_fields_are_kept_with_exactly_their_leaves(fields: dict[str, Any]) -> None:
    plain = sample("cores")
    document = fields | plain
    result = typed(ENDPOINTS["cores"], lambda: [json.dumps([document]).encode()], simulated=True)
    kept: Leaves = {}
    for extra in result.frames["cores"]["_extra"].drop_nulls():
        for path, value in json.loads(extra).items():
            add_leaves(kept, path, value)
    if result.intake.accepted:
        assert document_leaves(plain) | kept == document_leaves(document)
