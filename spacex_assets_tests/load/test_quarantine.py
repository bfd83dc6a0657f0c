"""Documents in quarantine, on a real PostgreSQL: what stays, what goes, what is recorded."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from string import ascii_letters
from typing import Any

import pytest
from psycopg2 import InterfaceError
from psycopg2.errors import CheckViolation

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.transaction import Origin, record_blocked
from spacex_assets.load.upsert import Counts
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.typed import typed

LAUNCHES = ENDPOINTS["launches"]
ENDLESS = "".join(Random(1).choices(ascii_letters, k=4000))
"""An id that no index can hold, however it is compressed."""
FETCHED = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in count())


def fleet() -> list[dict[str, Any]]:
    return json.loads(json.dumps(list(Fleet(launches=12).documents("launches"))))


def load(warehouse: Warehouse, values: Sequence[dict[str, Any]], run: str = "run") -> dict[str, Counts]:
    result = typed(LAUNCHES, lambda: [json.dumps(values).encode()], simulated=True)
    origin = Origin("launches", "test", "0" * 64, next(FETCHED), result.intake, run)
    with warehouse.load(origin, LAUNCHES.layouts, result.frames) as opened:
        return {layout.name: opened.write(layout) for layout in LAUNCHES.layouts}


def select(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with warehouse.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_a_broken_document_keeps_its_last_good_rows_and_is_listed_until_it_is_healthy(warehouse: Warehouse) -> None:
    values = fleet()
    load(warehouse, values)
    broken, name = values[3], values[3]["id"]
    cores = select(warehouse, f"SELECT count(*) FROM spacex.launch_cores WHERE launch_id = '{name}'")[0][0]
    assert cores > 0
    good, broken["name"], broken["cores"] = broken["name"], None, []

    for run in ("second", "third"):
        counts = load(warehouse, values, run)
        assert (counts["launches"].rows, counts["launches"].deleted, counts["launches"].retained) == (11, 0, 1)
        assert (counts["launch_cores"].deleted, counts["launch_cores"].retained) == (0, cores)
    (entry,) = select(
        warehouse,
        "SELECT document_id, document::jsonb, errors, first_run_id, last_run_id, first_seen_at < last_seen_at, "
        "resolved_at FROM ops.quarantine",
    )
    error = {"path": "$.name", "expected": "a valid string", "found": "None"}
    assert entry == (name, broken, [error], "second", "third", True, None)
    assert select(warehouse, "SELECT document_id, run_id, errors FROM ops.retained") == [(name, "second", [error])]
    totals = "SELECT documents, documents_quarantined, rows_read, rows_retained FROM ops.loads WHERE run_id = 'third'"
    assert select(warehouse, f"{totals} AND table_name = 'launches'") == [(12, 1, 11, 1)]

    broken["name"] = good
    counts = load(warehouse, values)
    assert (counts["launches"].retained, counts["launch_cores"].deleted) == (0, cores)
    assert select(warehouse, "SELECT resolution, resolved_at > last_seen_at FROM ops.quarantine") == [("healthy", True)]
    assert select(warehouse, "SELECT count(*) FROM ops.retained") == [(0,)]

    broken["name"] = 5
    load(warehouse, values)
    assert select(warehouse, "SELECT count(*), count(resolved_at) FROM ops.quarantine") == [(2, 1)]


def test_a_document_broken_from_the_start_has_no_rows_and_is_gone_when_it_leaves(warehouse: Warehouse) -> None:
    values = fleet()
    values[0]["name"] = None
    counts = load(warehouse, values)
    assert (counts["launches"].rows, counts["launches"].retained) == (11, 0)
    assert select(warehouse, "SELECT count(*) FROM ops.retained") == [(0,)]
    load(warehouse, values[1:])
    assert select(warehouse, "SELECT resolution FROM ops.quarantine") == [("gone",)]


@pytest.mark.parametrize("identifier", [5, "5e9d0d9551a007000000000", "\u00a0" * 24, ENDLESS])
def test_a_document_without_readable_id_suspends_deletion_of_documents_but_not_of_their_parts(
    warehouse: Warehouse, identifier: object
) -> None:
    values = fleet()
    load(warehouse, values)
    vanished, changed = values[2]["id"], values[4]
    parts = len(changed["cores"])
    changed["cores"] = []
    stranger = {**values[3], "id": identifier}
    counts = load(warehouse, [*values[:2], *values[4:], stranger])
    assert (counts["launches"].deleted, counts["launches"].retained) == (0, 2)
    assert counts["launch_cores"].deleted == parts
    retained = "SELECT document_id, quarantine_id FROM ops.retained"
    assert {name for name, _ in select(warehouse, retained)} == {vanished, values[3]["id"]}
    counts = load(warehouse, values[3:])
    assert (counts["launches"].deleted, counts["launches"].retained) == (3, 0)
    assert select(warehouse, "SELECT resolution FROM ops.quarantine") == [("gone",)]


def test_what_is_in_quarantine_is_not_gone_while_another_document_could_be_it(warehouse: Warehouse) -> None:
    values = fleet()
    load(warehouse, values)
    broken = {**values[3], "name": None}
    load(warehouse, [*values[:3], broken, *values[4:]])
    load(warehouse, [*values[:3], {**broken, "id": 5}, *values[4:]])
    entries = "SELECT resolution FROM ops.quarantine WHERE document_id IS NOT NULL"
    assert select(warehouse, entries) == [(None,)]
    assert [tuple(row)[:1] for row in select(warehouse, "SELECT document_id FROM ops.retained")] == [(values[3]["id"],)]
    load(warehouse, values[:3] + values[4:])
    assert select(warehouse, entries) == [("gone",)]


def test_what_cannot_be_stored_as_jsonb_is_kept_as_it_came(warehouse: Warehouse) -> None:
    values = fleet()
    values[0]["name"] = "a\0b"
    load(warehouse, values)
    ((document,),) = select(warehouse, "SELECT document FROM ops.quarantine")
    assert json.loads(document) == values[0]


def test_a_backslash_before_u0000_in_a_broken_document_is_no_nul(warehouse: Warehouse) -> None:
    values = fleet()
    values[0]["window"] = r"\u0000"
    load(warehouse, values)
    assert select(warehouse, "SELECT errors #>> '{0,found}' FROM ops.quarantine") == [(repr(r"\u0000"),)]


def test_a_blocked_snapshot_is_in_the_ledger_and_its_documents_in_quarantine(warehouse: Warehouse) -> None:
    values = fleet()
    load(warehouse, values)
    for value in values:
        value["name"] = None
    values[0]["id"] = ENDLESS
    result = typed(LAUNCHES, lambda: [json.dumps(values).encode()], simulated=True)
    origin = Origin("launches", "test", "1" * 64, next(FETCHED), result.intake, "blocked")
    record_blocked(warehouse.engine, origin, LAUNCHES.layouts, "all are broken")
    assert select(warehouse, "SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL") == [(12,)]
    assert select(warehouse, "SELECT count(*) FROM spacex.launches") == [(12,)]
    rows = "SELECT DISTINCT outcome, documents_quarantined, error FROM ops.loads WHERE run_id = 'blocked'"
    assert select(warehouse, rows) == [("blocked", 12, "all are broken")]
    assert warehouse.last_loaded_documents("launches") == 12


def test_nothing_is_reported_of_an_endpoint_before_all_its_tables_are_written(warehouse: Warehouse) -> None:
    result = typed(LAUNCHES, lambda: [json.dumps(fleet()).encode()], simulated=True)
    origin = Origin("launches", "test", "0" * 64, next(FETCHED), result.intake, "run")
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE spacex.launch_payloads ADD CHECK (position < 0)")
    reported = []
    with pytest.raises(InterfaceError), warehouse.load(origin, LAUNCHES.layouts, result.frames) as opened:  # noqa: PT012
        with pytest.raises(CheckViolation, match="launch_payloads"):
            reported.append(opened.write(LAUNCHES.layouts[0]))
        ended = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        assert select(warehouse, ended) == [(0,)]
        assert [outcome for (outcome,) in select(warehouse, "SELECT DISTINCT outcome FROM ops.loads")] == ["failed"]
    assert reported == []
    assert len(select(warehouse, "SELECT * FROM ops.loads")) == len(LAUNCHES.layouts)
    assert select(warehouse, "SELECT count(*) FROM spacex.launches") == [(0,)]


def test_what_a_document_without_readable_id_retains_is_gone_only_once(warehouse: Warehouse) -> None:
    values = fleet()
    load(warehouse, values)
    left = [*values[4:], {**values[3], "id": 5}]
    seen = [document["id"] for document in values[4:]]
    assert warehouse.vanished("launches", seen) == (12, 4)
    load(warehouse, left)
    assert warehouse.vanished("launches", seen) == (12, 0)
