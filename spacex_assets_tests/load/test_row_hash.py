"""The hash of a row: known for ever, and different for rows that only look alike when written one after the other."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from spacex_assets.load.row_hash import row_hash
from spacex_assets_tests.load.things import THINGS, frame

ROW = {
    "id": "a",
    "select": "ü",
    "Upper": 2**40,
    "measure": -0.5,
    "flag": True,
    "small": -480,
    "day": date(2026, 1, 2),
    "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "texts": ["x", None, ""],
    "numbers": [],
}


def test_it_is_the_same_on_every_machine_and_in_every_release() -> None:
    assert row_hash(frame(ROW, {"id": "b"}), THINGS).to_list() == [2073287507488103808, -271572626291057792]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"select": None}, {"select": ""}),
        ({"select": "n"}, {"select": None}),
        ({"select": "v"}, {"select": ""}),
        ({"texts": None}, {"texts": []}),
        ({"texts": []}, {"texts": [None]}),
        ({"texts": [None]}, {"texts": [""]}),
        ({"texts": ["a", "b"]}, {"texts": ["ab"]}),
        ({"texts": ["a"], "numbers": None}, {"texts": ["a"], "numbers": []}),
        ({"measure": 0.0}, {"measure": -0.0}),
        ({"measure": float("nan")}, {"measure": None}),
        ({"measure": 1.0, "moving": None}, {"measure": None, "moving": 1.0}),
        ({"flag": True}, {"flag": None}),
    ],
)
def test_rows_that_differ_have_different_hashes(one: dict[str, object], other: dict[str, object]) -> None:
    hashes = row_hash(frame({"id": "a", **one}, {"id": "a", **other}), THINGS)
    assert hashes.n_unique() == 2


def test_an_empty_frame_has_no_hash() -> None:
    assert row_hash(frame(), THINGS).to_list() == []
    assert row_hash(frame(), THINGS).dtype == pl.Int64()
