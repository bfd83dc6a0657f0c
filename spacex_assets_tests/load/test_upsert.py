import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacex_assets.load import ledger, transaction
from spacex_assets.load.errors import KeyViolation, NulCharacter, TablesInUse
from spacex_assets.load.transaction import Origin
from spacex_assets.load.upsert import Counts
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.transform.flatten import SchemaMismatch
from spacex_assets.transform.intake import Intake
from spacex_assets_tests.load.things import FETCHED, NAME, THINGS, change, frame, load, stored

ODD = frame(
    {"id": "a", "select": "", "Upper": 2**63 - 1, "measure": math.nan, "flag": True, "texts": [], "numbers": [1, None]},
    {"id": "\\.", "select": "\\.", "measure": -0.0, "texts": ["a,b", '"', "\\", "NULL", "", None, "line\nbreak"]},
    {"id": "\\N", "select": "\\N", "measure": math.inf, "small": -420, "day": date(1, 1, 1), "numbers": []},
    {"id": "", "select": "🧑‍🚀 'quote' \"double\" tab\t cr\r lf\n", "at": datetime(2020, 1, 1, 1, 2, 3, 4, tzinfo=UTC)},
)


def test_every_kind_and_every_odd_text_arrives_exactly(things: Warehouse) -> None:
    load(things, ODD)
    rows = {row["id"]: row for row in stored(things)}
    for wanted in ODD.iter_rows(named=True):
        found = {name: rows[wanted["id"]][name] for name in wanted}
        assert repr(found) == repr(wanted).replace("zoneinfo.ZoneInfo(key='UTC')", "datetime.timezone.utc")


def test_odd_rows_are_recognised_as_unchanged_with_and_without_trust(things: Warehouse) -> None:
    load(things, ODD)
    assert load(things, ODD) == Counts(4, 0, 0, 0)
    assert load(things, ODD, full_compare=True) == Counts(4, 0, 0, 0)


def test_a_rerun_writes_no_tuple(things: Warehouse) -> None:
    load(things, ODD)
    with things.engine.connect() as connection:
        physical = 'SELECT ctid, xmin FROM spacex."Things of ""all"" kinds" ORDER BY id'
        before = connection.exec_driver_sql(physical).all()
    load(things, ODD)
    with things.engine.connect() as connection:
        assert connection.exec_driver_sql(physical).all() == before


def test_only_what_differs_is_written_and_counted(things: Warehouse) -> None:
    load(things, frame({"id": "a"}, {"id": "b"}, {"id": "c"}), run="first")
    counts = load(things, frame({"id": "b", "select": "new"}, {"id": "c"}, {"id": "d"}), run="second")
    assert counts == Counts(3, 1, 1, 1)
    assert counts.unchanged == 1
    rows = stored(things)
    assert [(row["id"], row["select"], row["_run_id"]) for row in rows] == [
        ("b", "new", "second"),
        ("c", None, "first"),
        ("d", None, "second"),
    ]
    assert rows[0]["_changed_at"] > rows[1]["_changed_at"]  # type: ignore[operator]
    assert rows[0]["_first_seen_at"] == rows[1]["_first_seen_at"]


def test_a_sign_of_zero_is_a_change(things: Warehouse) -> None:
    load(things, frame({"id": "a", "measure": 0.0}))
    assert load(things, frame({"id": "a", "measure": -0.0})) == Counts(1, 0, 1, 0)
    assert str(stored(things)[0]["measure"]) == "-0.0"


def test_a_volatile_column_alone_begins_no_version(things: Warehouse) -> None:
    load(things, frame({"id": "a", "moving": 1.0}), run="first")
    before = stored(things)[0]
    assert load(things, frame({"id": "a", "moving": 2.0}), run="second") == Counts(1, 0, 1, 0)
    after = stored(things)[0]
    assert after["moving"] == 2.0
    assert (after["_changed_at"], after["_run_id"]) == (before["_changed_at"], "first")


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE THINGS SET \"select\" = 'by hand' WHERE id = 'a'",
        "UPDATE THINGS SET \"select\" = 'by hand', _row_hash = 1 WHERE id = 'a'",
        "DELETE FROM THINGS WHERE id = 'a'",
        "INSERT INTO THINGS (id) VALUES ('z')",
        "UPDATE THINGS SET id = 'z' WHERE id = 'a'",
        "TRUNCATE THINGS",
    ],
)
def test_what_anyone_did_by_hand_is_repaired_by_the_next_run(things: Warehouse, edit: str) -> None:
    wanted = frame({"id": "a", "select": "right"}, {"id": "b"})
    load(things, wanted)
    change(things, edit)
    counts = load(things, wanted)
    assert counts is not None
    assert counts.unchanged < 2 or counts.deleted
    assert [(row["id"], row["select"]) for row in stored(things)] == [("a", "right"), ("b", None)]
    assert load(things, wanted) == Counts(2, 0, 0, 0)


def test_a_foreign_edit_says_that_no_run_made_it(things: Warehouse) -> None:
    load(things, frame({"id": "a"}))
    before = stored(things)[0]
    change(things, "UPDATE THINGS SET flag = true")
    after = stored(things)[0]
    assert (after["_run_id"], after["_row_hash"]) == (None, None)
    assert after["_changed_at"] > before["_changed_at"]  # type: ignore[operator]


def test_a_forged_hash_deceives_a_run_but_not_a_full_compare(things: Warehouse) -> None:
    wanted = frame({"id": "a", "select": "right"})
    load(things, wanted)
    change(
        things,
        "ALTER TABLE THINGS DISABLE TRIGGER ALL; UPDATE THINGS SET \"select\" = 'wrong'; "
        "ALTER TABLE THINGS ENABLE TRIGGER ALL",
    )
    assert load(things, wanted) == Counts(1, 0, 0, 0)
    assert load(things, wanted, full_compare=True) == Counts(1, 0, 1, 0)
    assert stored(things)[0]["select"] == "right"


def test_a_new_hash_with_equal_values_is_no_version_and_not_counted(things: Warehouse) -> None:
    wanted = frame({"id": "a", "measure": 1.5})
    load(things, wanted)
    before = stored(things)[0]
    change(things, "SET LOCAL spacex.run_id = 'x'; UPDATE THINGS SET _row_hash = 5")
    assert load(things, wanted, run="second") == Counts(1, 0, 0, 0)
    assert stored(things)[0] == before


def test_an_older_snapshot_loaded_late_is_superseded_unless_forced(things: Warehouse) -> None:
    load(things, frame({"id": "a", "select": "new"}))
    older = frame({"id": "a", "select": "old"})
    assert load(things, older, age=1) is None
    assert stored(things)[0]["select"] == "new"
    with things.engine.connect() as connection:
        assert connection.scalars(sa.select(ledger.LOADS.c.outcome).order_by(ledger.LOADS.c.id)).all() == [
            "loaded",
            "superseded",
        ]
    assert load(things, older, age=1, force=True) == Counts(1, 0, 1, 0)


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([{"id": "a"}, {"id": "a"}], KeyViolation, "duplicate"),
        ([{"id": None}], KeyViolation, "null"),
        ([{"id": "a", "select": "x\0y"}], NulCharacter, "NUL"),
        ([{"id": "a", "texts": ["fine", "x\0y"]}], NulCharacter, "NUL"),
    ],
)
def test_bad_frames_are_refused_before_the_database_is_touched(
    things: Warehouse, rows: list[dict[str, object]], error: type[Exception], words: str
) -> None:
    load(things, frame({"id": "kept"}))
    with pytest.raises(error, match=words):
        load(things, frame(*rows))
    assert [row["id"] for row in stored(things)] == ["kept"]
    with things.engine.connect() as connection:
        failed = connection.execute(sa.select(ledger.LOADS).where(ledger.LOADS.c.outcome == "failed")).one()
    assert words in failed.error


def test_a_frame_of_the_wrong_schema_is_refused(things: Warehouse) -> None:
    with pytest.raises(SchemaMismatch, match="flag: expected Boolean, found String"):
        load(things, frame({"id": "a"}).with_columns(pl.col("flag").cast(pl.String)))


def test_an_exception_leaves_the_table_as_it_was(things: Warehouse) -> None:
    load(things, frame({"id": "a"}))
    origin = Origin("things", "test", "0", FETCHED, Intake(accepted=1), "second")

    def interrupted() -> Iterator[None]:
        with things.load(origin, [THINGS], {THINGS.name: frame({"id": "b"})}) as opened:
            opened.write(THINGS)
            yield

    steps = interrupted()
    next(steps)
    steps.close()
    assert [row["id"] for row in stored(things)] == ["a"]


def test_two_loads_at_once_neither_deadlock_nor_duplicate(things: Warehouse) -> None:
    frames = [
        frame(*({"id": f"{n}", "select": who} for n in order))
        for who, order in (("up", range(200)), ("down", range(199, -1, -1)))
    ]
    failures: list[BaseException] = []

    def repeat(wanted: pl.DataFrame) -> None:
        try:
            for _ in range(5):
                load(things, wanted)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=repeat, args=[wanted]) for wanted in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    rows = stored(things)
    assert len(rows) == 200
    assert len({row["select"] for row in rows}) == 1


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
ROW = st.fixed_dictionaries(
    {
        "select": st.none() | TEXT,
        "Upper": st.none() | st.integers(-(2**63), 2**63 - 1),
        "measure": st.none() | st.floats(width=64),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        "at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "texts": st.none() | st.lists(st.none() | TEXT, max_size=3),
        "numbers": st.none() | st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=3),
    }
)
TABLE = st.dictionaries(TEXT, ROW, max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TABLE, after=TABLE)
def test_whatever_was_there_the_table_becomes_the_frame(
    things: Warehouse, before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]
) -> None:
    for table in (before, after):
        wanted = frame(*({"id": key, **row} for key, row in table.items()))
        counts = load(things, wanted)
        assert counts is not None
        assert load(things, wanted) == Counts(len(table), 0, 0, 0)
        found = frame(*({n: row[n] for n in THINGS.schema} for row in stored(things)))
        assert found.sort("id").equals(wanted.sort("id"), null_equal=True)
    assert counts.inserted == len(after.keys() - before.keys())
    assert counts.deleted == len(before.keys() - after.keys())


def test_the_contract_changes_with_a_column() -> None:
    fewer = replace(THINGS, columns=THINGS.columns[:-1])
    assert fewer.contract != THINGS.contract


def test_a_session_that_holds_a_table_is_not_waited_for_without_end(
    things: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(things, frame({"id": "a"}))
    monkeypatch.setattr(transaction, "LOCK_SECONDS", 0.2)
    with things.engine.begin() as other:
        other.exec_driver_sql(f"UPDATE spacex.{NAME} SET flag = true")
        with pytest.raises(TablesInUse, match="idle in transaction"):
            load(things, frame({"id": "b"}))
    load(things, frame({"id": "b"}))
    assert [row["id"] for row in stored(things)] == ["b"]
