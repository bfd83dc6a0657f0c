"""Every version that ends is kept: by whom, how, without overlap or gap; and tables can be read as they were."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacex_assets.load.transaction import Origin
from spacex_assets.load.upsert import Counts
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.transform.intake import Intake
from spacex_assets_tests.load.things import FETCHED, THINGS, change, frame, load, past, select, stored


def now(warehouse: Warehouse) -> datetime:
    moment = select(warehouse, "SELECT clock_timestamp() AS moment")[0]["moment"]
    assert isinstance(moment, datetime)
    return moment


def as_of(warehouse: Warehouse, moment: object) -> dict[object, dict[str, object]]:
    query = f'SELECT * FROM history."Things of ""all"" kinds_at"(\'{moment}\')'
    rows = select(warehouse, query)
    assert len({row["id"] for row in rows}) == len(rows), "two versions of one row at one instant"
    return {row["id"]: row for row in rows}


def ends(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """What ended, how and by which run."""
    return [(row["id"], row["select"], row["ended_by"], row["ended_run_id"]) for row in past(warehouse)]


def check_validity(things: Warehouse, moved: set[str] | None = None) -> None:
    """No version of a key overlaps another, and what an update ended goes on without a gap unless the key moved."""
    versions = select(
        things,
        """
        SELECT id, valid_from, valid_to, ended_by,
            lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next FROM (
            SELECT id, valid_from, valid_to, ended_by FROM PAST
            UNION ALL SELECT id, _changed_at, NULL, NULL FROM THINGS
        ) AS version
        """,
    )
    for version in versions:
        if version["ended_by"] is None:
            assert version["next"] is None
        elif version["ended_by"] == "update" and version["id"] not in (moved or set()):
            assert version["next"] == version["valid_to"], version
        elif version["next"] is not None:
            assert version["next"] >= version["valid_to"], version  # type: ignore[operator]


def test_there_and_back_gives_two_closed_versions_that_meet(things: Warehouse) -> None:
    for run, value in (("1", "A"), ("2", "B"), ("3", "A")):
        load(things, frame({"id": "a", "select": value}), run=run)
    first, second = past(things)
    (present,) = stored(things)
    assert ends(things) == [("a", "A", "update", "2"), ("a", "B", "update", "3")]
    assert (first["_run_id"], second["_run_id"], present["_run_id"]) == ("1", "2", "3")
    assert first["valid_from"] == first["_first_seen_at"] == second["_first_seen_at"] == present["_first_seen_at"]
    assert (first["valid_to"], second["valid_to"]) == (second["valid_from"], present["_changed_at"])
    assert first["ended_user"] == select(things, "SELECT session_user AS me")[0]["me"]
    for version in (first, second):
        assert as_of(things, version["valid_from"])["a"]["select"] == version["select"]
    assert as_of(things, present["_changed_at"])["a"]["valid_to"] is None
    assert as_of(things, first["valid_from"] - timedelta(microseconds=1)) == {}  # type: ignore[operator]


def test_all_times_of_a_load_are_one(things: Warehouse) -> None:
    load(things, frame({"id": "updated"}, {"id": "gone"}))
    load(things, frame({"id": "updated", "flag": True}, {"id": "new"}))
    times = {row["valid_to"] for row in past(things)} | {row["_changed_at"] for row in stored(things)}
    assert len(past(things)) == len(stored(things)) == 2
    assert len(times) == 1


def test_a_version_keeps_every_column(things: Warehouse) -> None:
    row = {"id": "a", "select": "", "measure": -0.0, "texts": ["x", None], "numbers": [], "moving": 1.5, "flag": False}
    load(things, frame(row))
    load(things, frame({"id": "b"}))
    (version,) = past(things)
    assert repr({name: version[name] for name in row}) == repr(row)


def test_a_rerun_keeps_nothing_and_writes_next_to_no_wal(things: Warehouse) -> None:
    wanted = frame(*({"id": str(n), "select": "x" * 100} for n in range(2000)))
    position = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes"
    for run in ("1", "2"):
        load(things, wanted, run=run)
    before = select(things, position)[0]["bytes"]
    load(things, wanted, run="3")
    written = select(things, position)[0]["bytes"] - before  # type: ignore[operator]
    assert past(things) == []
    assert written < 20_000, "only the ledger may be written"


@pytest.mark.parametrize(
    "edit",
    [
        "SET LOCAL spacex.run_id = 'x'; UPDATE THINGS SET _row_hash = _row_hash + 1",
        "UPDATE THINGS SET _row_hash = _row_hash + 1",
        "UPDATE THINGS SET moving = 3",
        "UPDATE THINGS SET \"select\" = 'A'",
    ],
)
def test_a_new_hash_with_equal_values_is_no_version(things: Warehouse, edit: str) -> None:
    wanted = frame({"id": "a", "select": "A", "moving": 3.0})
    load(things, wanted)
    before = {**stored(things)[0], "_row_hash": None}
    change(things, edit)
    assert load(things, wanted, run="2") == Counts(1, 0, 0, 0)
    assert {**stored(things)[0], "_row_hash": None} == before
    assert past(things) == []


def test_a_volatile_column_alone_is_no_version(things: Warehouse) -> None:
    for value in (1.0, 2.0, 3.0):
        load(things, frame({"id": "a", "moving": value}))
    change(things, "UPDATE THINGS SET moving = 4")
    assert past(things) == []
    assert as_of(things, now(things))["a"]["moving"] == 4


def test_a_sign_of_zero_changed_by_hand_is_a_version(things: Warehouse) -> None:
    load(things, frame({"id": "a", "measure": 0.0}))
    change(things, "UPDATE THINGS SET measure = '-0.0'")
    assert [str(row["measure"]) for row in past(things)] == ["0.0"]


@pytest.mark.parametrize(
    ("edit", "ended"),
    [
        ("UPDATE THINGS SET flag = true", [("a", "A", "update", None), ("b", "B", "update", None)]),
        ("DELETE FROM THINGS WHERE id = 'a'", [("a", "A", "delete", None)]),
        ("UPDATE THINGS SET id = 'z' WHERE id = 'a'", [("a", "A", "update", None)]),
        ("TRUNCATE THINGS", [("a", "A", "truncate", None), ("b", "B", "truncate", None)]),
        (
            "INSERT INTO THINGS (id, \"select\") VALUES ('a', 'C') "
            'ON CONFLICT (id) DO UPDATE SET "select" = excluded."select"',
            [("a", "A", "update", None)],
        ),
        (
            "WITH gone AS (DELETE FROM THINGS WHERE id = 'a' RETURNING id) INSERT INTO THINGS SELECT id FROM gone",
            [("a", "A", "delete", None)],
        ),
    ],
)
def test_what_anyone_does_by_hand_is_kept_with_their_name(
    things: Warehouse, edit: str, ended: list[tuple[object, ...]]
) -> None:
    load(things, frame({"id": "a", "select": "A"}, {"id": "b", "select": "B"}))
    before = now(things)
    change(
        things,
        "DROP ROLE IF EXISTS editor; CREATE ROLE editor LOGIN SUPERUSER; SET LOCAL SESSION AUTHORIZATION editor; "
        f"{edit}; RESET SESSION AUTHORIZATION; DROP ROLE editor",
    )
    assert sorted(ends(things)) == ended
    assert {row["ended_user"] for row in past(things)} == {"editor"}
    assert {id: row["select"] for id, row in as_of(things, before).items()} == {"a": "A", "b": "B"}


def test_an_editor_needs_no_rights_on_the_history_and_cannot_forge_it(things: Warehouse) -> None:
    load(things, frame({"id": "a", "select": "A"}))
    change(
        things,
        "CREATE ROLE clerk; GRANT USAGE ON SCHEMA spacex, history TO clerk; GRANT SELECT, UPDATE ON THINGS TO clerk; "
        "GRANT CREATE ON SCHEMA spacex TO clerk; SET LOCAL ROLE clerk; UPDATE THINGS SET \"select\" = 'B'",
    )
    assert ends(things) == [("a", "A", "update", None)]
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied for function"):
        change(
            things,
            "SET LOCAL ROLE clerk; CREATE TABLE spacex.mine (LIKE THINGS); CREATE TRIGGER mine BEFORE TRUNCATE ON "
            'spacex.mine EXECUTE FUNCTION history."Things of ""all"" kinds_keep"()',
        )
    change(things, "DROP OWNED BY clerk; DROP ROLE clerk")


@pytest.mark.parametrize(
    "edit",
    [
        "_first_seen_at = '1999-01-01'",
        "_changed_at = '1999-01-01', _run_id = 'forged'",
        "_changed_at = '2999-01-01', moving = 5",
    ],
)
def test_the_bookkeeping_of_a_row_cannot_be_moved_by_hand(things: Warehouse, edit: str) -> None:
    load(things, frame({"id": "a"}))
    before = stored(things)[0]
    change(things, f"UPDATE THINGS SET {edit}")
    after = stored(things)[0]
    assert [after[n] for n in ("_first_seen_at", "_changed_at", "_run_id")] == [
        before[n] for n in ("_first_seen_at", "_changed_at", "_run_id")
    ]
    change(things, f"UPDATE THINGS SET {edit}, flag = true")
    after = stored(things)[0]
    assert after["_first_seen_at"] == before["_first_seen_at"]
    assert before["_changed_at"] < after["_changed_at"] <= now(things)  # type: ignore[operator]
    assert after["_run_id"] is None


def test_a_row_that_returns_was_first_seen_when_it_was_first_seen(things: Warehouse) -> None:
    load(things, frame({"id": "a"}, {"id": "b"}))
    first_seen = stored(things)[0]["_first_seen_at"]
    load(things, frame({"id": "b"}))
    absent = now(things)
    load(things, frame({"id": "a"}, {"id": "b"}, {"id": "c"}), run="back")
    a, _, c = stored(things)
    assert a["_first_seen_at"] == first_seen
    assert a["_changed_at"] == c["_changed_at"] == c["_first_seen_at"]
    assert list(as_of(things, absent)) == ["b"]
    change(things, "TRUNCATE THINGS")
    load(things, frame({"id": "a"}))
    assert stored(things)[0]["_first_seen_at"] == first_seen


def test_a_key_changed_by_hand_was_first_seen_with_its_new_key(things: Warehouse) -> None:
    load(things, frame({"id": "a"}, {"id": "b"}))
    first_seen = stored(things)[0]["_first_seen_at"]
    change(things, "DELETE FROM THINGS WHERE id = 'a'; UPDATE THINGS SET id = 'a'")
    assert stored(things)[0]["_first_seen_at"] == first_seen
    change(things, "UPDATE THINGS SET id = 'new'")
    assert stored(things)[0]["_first_seen_at"] == stored(things)[0]["_changed_at"]


def test_a_clock_that_went_back_makes_no_overlap(things: Warehouse) -> None:
    change(
        things,
        "INSERT INTO THINGS (id, _changed_at) SELECT n, clock_timestamp() + interval '1 hour' "
        "FROM unnest('{edited,loaded,gone,moved}'::text[]) n",
    )
    others = ({"id": "loaded", "flag": True}, {"id": "moved"}, {"id": "present"})
    load(things, frame({"id": "edited"}, *others))
    change(things, "UPDATE THINGS SET flag = true WHERE id = 'edited'; UPDATE THINGS SET id = 'm' WHERE id = 'moved'")
    load(things, frame({"id": "edited", "flag": True}, *others))
    change(things, "UPDATE THINGS SET id = 'gone' WHERE id = 'present'")
    check_validity(things, {"moved", "m", "present"})
    assert sorted((row["id"], row["ended_by"], row["ended_run_id"]) for row in past(things)) == [
        ("edited", "update", None),
        ("gone", "delete", "run"),
        ("loaded", "update", "run"),
        ("m", "delete", "run"),
        ("moved", "update", None),
        ("present", "update", None),
    ]


@pytest.mark.parametrize("way", ["a load", "an update by hand", "a deletion and a load"])
def test_a_time_far_ahead_that_someone_inserted_does_not_outlive_the_row(things: Warehouse, way: str) -> None:
    change(things, "INSERT INTO THINGS (id, _changed_at, _first_seen_at) VALUES ('a', '2099-01-01', '2099-01-01')")
    if way != "a load":
        change(things, "UPDATE THINGS SET flag = true" if way == "an update by hand" else "DELETE FROM THINGS")
    load(things, frame({"id": "a", "select": "right"}))
    assert as_of(things, now(things))["a"]["select"] == "right"
    check_validity(things)
    assert all(row["valid_to"] <= now(things) for row in past(things))  # type: ignore[operator]
    assert stored(things)[0]["_first_seen_at"] <= now(things)  # type: ignore[operator]


def test_rows_put_back_with_their_old_times_break_nothing(things: Warehouse) -> None:
    wanted = frame({"id": "a", "select": "A"})
    load(things, wanted)
    first = now(things)
    change(things, "CREATE TABLE backup AS TABLE THINGS; DELETE FROM THINGS; INSERT INTO THINGS TABLE backup")
    again = now(things)
    assert as_of(things, first)["a"]["valid_to"] is not None
    load(things, frame({"id": "a", "select": "B"}))
    check_validity(things)
    assert as_of(things, first)["a"]["select"] == as_of(things, again)["a"]["select"] == "A"
    assert [row["ended_by"] for row in past(things)] == ["delete", "update"]


def test_no_edit_slips_between_the_time_of_a_load_and_its_writing(things: Warehouse) -> None:
    load(things, frame({"id": "a"}))
    wanted = frame({"id": "a", "select": "load"})
    with things.load(
        Origin("things", "test", "0", FETCHED, Intake(accepted=1), "second"), [THINGS], {THINGS.name: wanted}
    ) as opened:
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            change(things, "SET LOCAL lock_timeout = '50ms'; UPDATE THINGS SET flag = true")
        assert stored(things)[0]["select"] is None  # readers go on
        opened.write(THINGS)
    assert len(past(things)) == 1


def test_the_plan_of_one_row_serves_many(things: Warehouse) -> None:
    """PL/pgSQL plans once per session; a nested loop over 20,000 rows twice would take minutes."""
    change(
        things,
        "INSERT INTO THINGS (id) SELECT n FROM generate_series(1, 20000) n; "
        "UPDATE THINGS SET flag = true WHERE id = '1'; SET LOCAL statement_timeout = '10s'; "
        "UPDATE THINGS SET flag = false",
    )
    assert select(things, "SELECT count(*) AS n FROM PAST")[0]["n"] == 20001


def test_a_row_as_it_was_is_found_by_its_key(things: Warehouse) -> None:
    load(things, frame(*({"id": str(n)} for n in range(2000))))
    load(things, frame(*({"id": str(n), "flag": True} for n in range(2000))))
    change(things, "ANALYZE THINGS; ANALYZE PAST")
    plan = select(things, 'EXPLAIN SELECT * FROM history."Things of ""all"" kinds_at"(now()) WHERE id = \'7\'')
    assert not any("Seq Scan" in str(line["QUERY PLAN"]) for line in plan)


# Random sequences, against a model.


@dataclass
class Model:
    """What should be there: the present, and each version that ended."""

    rows: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Value and maker of each key."""
    ended: list[tuple[str, str | None, str | None, str, str | None]] = field(default_factory=list)
    """Key, value, maker, how it ended, the run that ended it."""
    moved: set[str] = field(default_factory=set)
    """Keys that were changed by hand."""

    def put(self, key: str, value: str | None, run: str | None) -> None:
        if key in self.rows and self.rows[key][0] == value:
            return
        if key in self.rows:
            self.end(key, "update", run)
        self.rows[key] = (value, run)

    def end(self, key: str, how: str, run: str | None) -> None:
        self.ended.append((key, *self.rows.pop(key), how, run))


KEY = st.sampled_from("abcd")
VALUE = st.sampled_from(["x", "y", None])
STEP = st.one_of(
    st.tuples(st.just("load"), st.dictionaries(KEY, VALUE, max_size=4)),
    st.tuples(st.just("update"), KEY, VALUE),
    st.tuples(st.just("move"), KEY, KEY),
    st.tuples(st.just("delete"), KEY),
    st.tuples(st.just("insert"), KEY, VALUE),
    st.tuples(st.just("truncate")),
)


def literal(value: str | None) -> str:
    return "NULL" if value is None else f"'{value}'"


def take(things: Warehouse, model: Model, number: int, step: tuple[object, ...]) -> None:
    """One step, in the database and in the model."""
    match step:
        case ("load", dict(wanted)):
            load(
                things,
                frame(*({"id": k, "select": v, "moving": float(number)} for k, v in wanted.items())),
                run=str(number),
            )
            for key in model.rows.keys() - wanted.keys():
                model.end(key, "delete", str(number))
            for key, value in wanted.items():
                model.put(key, value, str(number))
        case ("update", str(key), value):
            assert value is None or isinstance(value, str)
            change(things, f"UPDATE THINGS SET \"select\" = {literal(value)}, moving = {number} WHERE id = '{key}'")
            if key in model.rows:
                model.put(key, value, None)
        case ("move", str(key), str(other)) if key in model.rows and other not in model.rows:
            change(things, f"UPDATE THINGS SET id = '{other}' WHERE id = '{key}'")
            value = model.rows[key][0]
            model.end(key, "update", None)
            model.moved.add(key)
            model.put(other, value, None)
        case ("delete", str(key)):
            change(things, f"DELETE FROM THINGS WHERE id = '{key}'")
            if key in model.rows:
                model.end(key, "delete", None)
        case ("insert", str(key), value) if key not in model.rows:
            assert value is None or isinstance(value, str)
            change(things, f"INSERT INTO THINGS (id, \"select\") VALUES ('{key}', {literal(value)})")
            model.put(key, value, None)
        case ("truncate",):
            change(things, "TRUNCATE THINGS")
            for key in list(model.rows):
                model.end(key, "truncate", None)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=3, max_size=10))
def test_whatever_happens_the_table_can_be_read_as_it_was(things: Warehouse, steps: list[tuple[object, ...]]) -> None:
    change(things, "TRUNCATE THINGS; TRUNCATE PAST")
    model = Model()
    seen: list[tuple[datetime, dict[str, str | None]]] = []
    for number, step in enumerate(steps):
        take(things, model, number, step)
        seen.append((now(things), {key: value for key, (value, _) in model.rows.items()}))

    for moment, wanted in seen:
        assert {key: row["select"] for key, row in as_of(things, moment).items()} == wanted
    found = [tuple(row[n] for n in ("id", "select", "_run_id", "ended_by", "ended_run_id")) for row in past(things)]
    assert sorted(map(repr, found)) == sorted(map(repr, model.ended))
    assert {row["id"]: (row["select"], row["_run_id"]) for row in stored(things)} == model.rows
    check_validity(things, model.moved)


@pytest.mark.parametrize("statement", ["UPDATE THINGS SET flag = flag", "DELETE FROM THINGS WHERE false"])
def test_types_of_the_callers_own_do_not_run_with_the_owners_rights(things: Warehouse, statement: str) -> None:
    load(things, frame({"id": "a"}))
    spy = (
        "BEGIN PERFORM set_config('spy.ran_as', concat(current_setting('spy.ran_as', true), ' ', current_user), false)"
    )
    made = "".join(
        f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.spy()); " for name in ("timestamptz", "text")
    )
    change(
        things,
        "CREATE ROLE clerk; GRANT USAGE ON SCHEMA spacex, history TO clerk; "
        "GRANT SELECT, UPDATE, DELETE ON THINGS TO clerk; SET LOCAL ROLE clerk; "
        f"CREATE FUNCTION pg_temp.spy() RETURNS boolean LANGUAGE plpgsql AS $$ {spy}; RETURN true; END $$; "
        f"{made} {statement}; RESET ROLE; "
        "DO $$ BEGIN ASSERT coalesce(current_setting('spy.ran_as', true), '') = ''; END $$; "
        "DROP OWNED BY clerk; DROP ROLE clerk",
    )


def test_who_only_claims_to_be_a_load_is_kept_and_repaired_like_anyone(things: Warehouse) -> None:
    rows = frame({"id": "a", "select": "true"})
    load(things, rows)
    change(things, "SET LOCAL spacex.run_id = 'nobody'; UPDATE THINGS SET \"select\" = 'false'")
    assert ends(things) == [("a", "true", "update", "nobody")]
    assert (stored(things)[0]["_run_id"], stored(things)[0]["_row_hash"]) == (None, None)
    assert load(things, rows, run="next").updated == 1
    assert stored(things)[0]["select"] == "true"
