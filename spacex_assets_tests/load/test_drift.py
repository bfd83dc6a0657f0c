"""Drift as it is recorded, on a real PostgreSQL: opened once, confirmed, ended."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import pytest

from spacex_assets.assets.tables import table_writes
from spacex_assets.config import ContractMode, Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.drift import open_drift
from spacex_assets.load.errors import ContractFrozen
from spacex_assets.load.transaction import Origin
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.typed import typed

CORES = ENDPOINTS["cores"]
FETCHED = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in count())
FIGURES = "SELECT path, change, before, after, example, first_run_id, last_run_id, ended_at IS NOT NULL FROM ops.drift"


def fleet() -> list[dict[str, Any]]:
    return json.loads(json.dumps(list(Fleet(launches=12).documents("cores"))))


def load(
    warehouse: Warehouse, values: list[dict[str, Any]], run: str, mode: ContractMode = ContractMode.EVOLVE
) -> None:
    body = json.dumps(values).encode()
    result = typed(CORES, lambda: [body], simulated=True, mode=mode)
    origin = Origin("cores", "test", sha256(body).hexdigest(), next(FETCHED), result.intake, run)
    for output in table_writes(CORES, result.frames, origin, warehouse, Settings()):
        # What the IO manager does between the yields.
        output.value.load.write(output.value.layout)


def select(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with warehouse.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_drift_from_the_record_is_recorded_once_and_ends_when_it_is_gone(warehouse: Warehouse) -> None:
    values = fleet()
    values[0]["news"], values[1]["status"] = 1, "resting"
    load(warehouse, values, "first")
    values[2]["news"] = 2
    load(warehouse, values, "second")
    assert select(warehouse, f"{FIGURES} ORDER BY path") == [
        ("$.news", "undeclared", "not declared", "number", "1", "first", "second", False),
        ("$.status", "value", None, "resting", "resting", "first", "second", False),
    ]
    spans = "SELECT first_seen_at < last_seen_at, first_sha256 <> last_sha256 FROM ops.drift"
    assert select(warehouse, spans) == [(True, True)] * 2
    values[1]["status"] = "pondering"
    load(warehouse, values, "third")
    assert select(warehouse, f"{FIGURES} WHERE change = 'value' ORDER BY id") == [
        ("$.status", "value", None, "resting", "resting", "first", "second", True),
        ("$.status", "value", None, "pondering", "pondering", "third", "third", False),
    ]
    load(warehouse, fleet(), "fourth")
    with warehouse.engine.connect() as connection:
        assert [(one.drift.change, one.first_run_id) for one in open_drift(connection, "cores")] == [
            ("disappeared", "fourth")
        ]


def test_the_first_load_has_nothing_to_be_compared_with(warehouse: Warehouse) -> None:
    load(warehouse, fleet(), "first")
    assert select(warehouse, FIGURES) == []


def test_drift_from_the_snapshot_before_lasts_until_another_snapshot_is_loaded(warehouse: Warehouse) -> None:
    load(warehouse, fleet(), "first")
    null = [{**value, "last_update": None} for value in fleet()]
    for run in ("second", "third", "fourth"):
        load(warehouse, null, run)
    example = json.dumps(fleet()[0]["last_update"])
    some, none = "7 given, 1 null", "8 null"
    finding = ("$.last_update", "null", some, none, example, "second", "fourth")
    assert select(warehouse, FIGURES) == [(*finding, False)]
    null[0]["serial"] = "S77 (simulated)"
    load(warehouse, null, "fifth")
    assert select(warehouse, FIGURES) == [(*finding, True)]
    load(warehouse, fleet(), "sixth")
    assert select(warehouse, f"{FIGURES} WHERE ended_at IS NULL") == [
        ("$.last_update", "filled", none, some, example, "sixth", "sixth", False)
    ]


def test_each_change_since_the_snapshot_before_is_an_entry_of_its_own(warehouse: Warehouse) -> None:
    for run, news in (("first", 1), ("second", "1"), ("third", [1]), ("fourth", "1"), ("fifth", [1])):
        load(warehouse, [{**value, "news": news} for value in fleet()], run)
    query = f"{FIGURES.replace('example, ', '')} WHERE change = '%s' ORDER BY id"
    assert select(warehouse, query % "type") == [
        ("$.news", "type", "number", "string", "second", "second", True),
        ("$.news", "type", "string", "array", "third", "third", True),
        ("$.news", "type", "array", "string", "fourth", "fourth", True),
        ("$.news", "type", "string", "array", "fifth", "fifth", False),
    ]
    assert select(warehouse, query % "undeclared") == [
        ("$.news", "undeclared", "not declared", "array", "first", "fifth", False)
    ]


def test_values_that_are_not_listed_are_counted_anew_in_one_entry(warehouse: Warehouse) -> None:
    for run, more in (("first", 1), ("second", 5)):
        template = fleet()[0]
        values = [{**template, "id": f"{number:024x}", "status": f"V{number:03}"} for number in range(100 + more)]
        load(warehouse, values, run)
    query = f"{FIGURES} WHERE after NOT LIKE 'V%%'"
    known = "105 undeclared values, the first 100 of the alphabet listed"
    assert select(warehouse, query) == [
        ("$.status", "value", known, "others that are not listed", '"V000"', "first", "second", False)
    ]
    assert select(warehouse, "SELECT count(*) FROM ops.drift WHERE ended_at IS NULL") == [(101,)]


def test_a_load_that_fails_records_no_drift(warehouse: Warehouse) -> None:
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE spacex.cores ADD CHECK (false)")
    with pytest.raises(Exception, match="cores_check"):
        load(warehouse, [{**value, "news": 1} for value in fleet()], "first")
    assert select(warehouse, FIGURES) == select(warehouse, "SELECT endpoint FROM ops.profiles") == []


def test_one_undeclared_field_stops_a_frozen_endpoint_and_is_recorded(warehouse: Warehouse) -> None:
    load(warehouse, fleet(), "first", ContractMode.FREEZE)
    values = fleet()
    values[0]["news"], values[1]["block"] = 1, 9
    with pytest.raises(ContractFrozen, match=r"\$\.news undeclared.*Declare it in the record"):
        load(warehouse, values, "second", ContractMode.FREEZE)
    assert select(warehouse, "SELECT count(*) FROM spacex.cores WHERE _run_id <> 'first'") == [(0,)]
    ((outcome, error),) = select(warehouse, "SELECT outcome, error FROM ops.loads WHERE run_id = 'second'")
    assert (outcome, "$.news" in error) == ("blocked", True)
    assert [row[:2] for row in select(warehouse, FIGURES)] == [("$.news", "undeclared")]
    assert select(warehouse, "SELECT first_run_id FROM ops.quarantine WHERE resolved_at IS NULL") == [("second",)]
    load(warehouse, values, "third", ContractMode.EVOLVE)
    assert select(warehouse, "SELECT _extra FROM spacex.cores WHERE _extra IS NOT NULL") == [({"$.news": 1},)]
    assert [row[5:] for row in select(warehouse, FIGURES)] == [("second", "third", False)]
    load(warehouse, values, "fourth", ContractMode.DISCARD)
    assert select(warehouse, "SELECT count(_extra) FROM spacex.cores") == [(0,)]
    assert [row[5:] for row in select(warehouse, FIGURES)] == [("second", "fourth", False)]


def test_names_and_values_of_any_length_are_recorded(warehouse: Warehouse) -> None:
    values = fleet()
    values[0] |= {"🛰" * 9000: "🛰" * 9000, "status": "🛰" * 9000}
    values[1] |= {"\0": 1}
    load(warehouse, values, "first")
    assert len(select(warehouse, FIGURES)) == 3
