"""The recorded real responses: every leaf of every document is found again in its column."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.transform.typed import typed

COUNTS = {
    "launches": 205, "launch_cores": 215, "launch_crew": 30, "launch_failures": 5, "launch_payloads": 222,
    "launch_ships": 342, "launch_capsules": 35, "launch_fairing_ships": 75, "payloads": 225, "cores": 83,
    "capsules": 25, "crew": 30, "ships": 29, "landpads": 7, "launchpads": 6, "rockets": 4,
    "rocket_payload_weights": 11, "dragons": 2, "dragon_thrusters": 3, "history": 15, "company": 1, "roadster": 1,
    "starlink": 900,
}  # fmt: skip


def parsed(recordings: Path, endpoint: str) -> tuple[list[dict[str, Any]], dict[str, pl.DataFrame]]:
    declared = ENDPOINTS[endpoint]
    body = (recordings / f"{endpoint}.json").read_bytes()
    batch = b"[" + body + b"]" if declared.single else body
    result = typed(declared, lambda: [batch], simulated=False)
    assert not result.intake.rejected
    return json.loads(batch), dict(result.frames)


def leaves(value: Any, path: tuple[str, ...], lists: set[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Leaves outside the lists that are tables of their own; arrays are leaves."""
    if path in lists:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name), lists)
    else:
        yield path, value


def same(stored: Any, source: Any) -> bool:
    """Whether a stored value says what the source says."""
    match stored:
        case datetime():
            moment = datetime.fromisoformat(source)
            return stored == (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        case date():
            return stored.isoformat() == source
        case None:
            return source in (None, "")
        case bool():
            return stored == bool(source)
        case _:
            return bool(stored == source)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_leaf_of_every_document_is_found_again_in_its_column(recordings: Path, endpoint: str) -> None:
    sources, tables = parsed(recordings, endpoint)
    main, *others = ENDPOINTS[endpoint].layouts
    lists = {layout.list_path for layout in others if layout.list_path}
    for source, row in zip(sources, tables[main.name].iter_rows(named=True), strict=True):
        check(main, source, row, lists)
    for layout in others:
        assert layout.list_path is not None
        rows = iter(tables[layout.name].iter_rows(named=True))
        for source in sources:
            value: Any = source
            for name in layout.list_path:
                value = value and value.get(name)
            for position, element in enumerate(value or []):
                row = next(rows)
                assert (row[layout.key[0]], row["position"]) == (source["id"], position)
                if isinstance(element, dict):
                    check(layout, element, row, set())
                else:
                    assert row[layout.key[1]] == element
        assert next(rows, None) is None


def check(layout: TableLayout, source: dict[str, Any], row: dict[str, Any], lists: set[tuple[str, ...]]) -> None:
    columns = {column.path: column for column in reversed(layout.columns)}
    for path, value in leaves(source, (), lists):
        assert path in columns, f"{layout.name} has no column for {path}"
        column = columns[path]
        if column.name.startswith("has_"):
            assert row[column.name] is (value is not None)
        else:
            assert same(row[column.name], value), (layout.name, source.get("id"), path, value, row[column.name])


def test_the_counts_are_those_of_the_profile(recordings: Path) -> None:
    counts = {name: table.height for endpoint in ENDPOINTS for name, table in parsed(recordings, endpoint)[1].items()}
    assert counts == COUNTS


def test_a_hand_checked_launch(recordings: Path) -> None:
    launches = parsed(recordings, "launches")[1]["launches"]
    row = launches.row(by_predicate=pl.col("name") == "CCtCap Demo Mission 2", named=True)
    assert row["date_utc"] == datetime(2020, 5, 30, 19, 22, tzinfo=UTC)
    assert row["date_local_utc_offset_minutes"] == -240
    assert (row["flight_number"], row["success"], row["has_fairings"], row["window"]) == (94, True, False, 0)
