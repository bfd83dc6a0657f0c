"""One table of an endpoint, made equal to a frame with as few writes as possible.

Empty table: COPY straight in. Otherwise keys and row hashes are read, new, changed and gone rows are found in Polars,
and only those travel: `INSERT … ON CONFLICT DO UPDATE` in key order, then a delete of the gone. What does not belong
here: transactions and locks (``transaction.py``), and the checks before (``precheck.py``).
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Identifier, Literal

from spacex_assets.endpoints.kinds import INSTANT
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.load.copy import copy_in, copy_out, identifiers
from spacex_assets.load.row_hash import SLICE, row_hash

HASH = "_row_hash"
BUCKET = 100_000
"""Keys that are compared at once."""


@dataclass(frozen=True)
class Counts:
    """What a load did to one table. ``rows`` = ``inserted`` + ``updated`` + ``unchanged``."""

    rows: int
    inserted: int
    updated: int
    deleted: int

    @property
    def unchanged(self) -> int:
        """Rows that were as they should be."""
        return self.rows - self.inserted - self.updated


@dataclass(frozen=True)
class Version:
    """What a load stamps on the rows that it writes."""

    at: datetime
    run_id: str


def upsert(
    connection: Connection,
    frame: pl.DataFrame,
    layout: TableLayout,
    version: Version,
    *,
    schema: str = "spacex",
    full_compare: bool = False,
) -> Counts:
    """Makes the table equal to the frame, inside the caller's transaction.

    ``full_compare`` trusts no stored hash and compares every row by value.
    """
    table = Identifier(schema, layout.name)
    if _is_empty(connection, table):
        for part in frame.iter_slices(SLICE):
            hashed = part.with_columns(row_hash(part, layout))
            copy_in(connection, _stamped(hashed, version), table)
        return Counts(frame.height, frame.height, 0, 0)

    key_schema = {name: layout.schema[name] for name in layout.key}
    stored = copy_out(
        connection,
        SQL("SELECT {}, coalesce({}, 0) FROM {}").format(identifiers(layout.key), Identifier(HASH), table),
        {**key_schema, HASH: pl.Int64()},
    )
    hashes = row_hash(frame, layout)
    differing, gone = _differences(frame.select(layout.key).with_columns(hashes), stored, layout.key)
    staged = frame.with_columns(hashes) if full_compare else frame[differing].with_columns(hashes[differing])
    inserted, updated = _write(connection, staged, layout, table, version) if staged.height else (0, 0)
    return Counts(frame.height, inserted, updated, _delete(connection, gone, layout, table))


def _differences(wanted: pl.DataFrame, stored: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.Series, pl.DataFrame]:
    """Positions of the rows of ``wanted`` that are not stored with the same hash, and the keys that it no longer has.

    Keys are compared bucket by bucket, so that the memory of a join does not grow with the table.
    """
    buckets = 1 + max(wanted.height, stored.height) // BUCKET
    bucket = pl.struct(key).hash() % buckets
    positions, gone = [], []
    for number in range(buckets):
        ours = wanted.with_row_index("row").filter(bucket == number)
        theirs = stored.filter(bucket == number)
        positions.append(ours.join(theirs, on=[*key, HASH], how="anti")["row"])
        gone.append(theirs.join(ours, on=key, how="anti").select(key))
    return pl.concat(positions).sort(), pl.concat(gone)


def _is_empty(connection: Connection, table: Composable) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT NOT EXISTS (SELECT FROM {})").format(table))
        (empty,) = cursor.fetchone() or (False,)
        return bool(empty)


def _stamped(frame: pl.DataFrame, version: Version) -> pl.DataFrame:
    at = pl.lit(version.at).cast(INSTANT)
    return frame.with_columns(_first_seen_at=at, _changed_at=at, _run_id=pl.lit(version.run_id))


def _write(
    connection: Connection, frame: pl.DataFrame, layout: TableLayout, table: Composable, version: Version
) -> tuple[int, int]:
    """Inserts the new rows, updates the changed ones; rows that are equal by value only get their hash back."""
    stage = Identifier("pg_temp", "stage")
    names = list(layout.schema)
    parts = {
        "table": table,
        "stage": stage,
        "key": identifiers(layout.key),
        "same_key": SQL(" AND ").join(SQL("t.{0} = s.{0}").format(Identifier(name)) for name in layout.key),
        "differs": _differs(layout, names, "t", "s"),
        "first_key": Identifier("t", layout.key[0]),
        "columns": identifiers(_stamped(frame.clear(), version).columns),
        "staged": identifiers(_stamped(frame.clear(), version).columns, "s"),
        "assignments": _assignments(layout),
    }
    statements = {
        "rehash": "UPDATE {table} t SET _row_hash = s._row_hash FROM {stage} s "
        "WHERE {same_key} AND NOT ({differs}) AND t._row_hash IS DISTINCT FROM s._row_hash",
        "upsert": "WITH written AS (INSERT INTO {table} AS t ({columns}) "
        "SELECT {staged} FROM {stage} s LEFT JOIN {table} t ON {same_key} "
        "WHERE {first_key} IS NULL OR {differs} ORDER BY {staged_key} "
        "ON CONFLICT ({key}) DO UPDATE SET {assignments} RETURNING xmax = 0 AS inserted) "
        "SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written",
    }
    parts["staged_key"] = identifiers(layout.key, "s")
    with connection.cursor() as cursor:
        cursor.execute(SQL("CREATE TEMP TABLE stage (LIKE {}) ON COMMIT DROP").format(table))
        copy_in(connection, _stamped(frame, version), stage)
        cursor.execute(SQL("ANALYZE {} ({})").format(stage, parts["key"]))
        cursor.execute(SQL(statements["rehash"]).format(**parts))
        cursor.execute(SQL(statements["upsert"]).format(**parts))
        inserted, updated = cursor.fetchone() or (0, 0)
        cursor.execute(SQL("DROP TABLE {}").format(stage))
    return inserted, updated


def _assignments(layout: TableLayout) -> Composable:
    """Data columns always; since when and by which run only if a column that is not volatile differs."""
    steady = [column.name for column in layout.columns if not column.volatile]
    assignments = [
        SQL("{0} = excluded.{0}").format(Identifier(name)) for name in (*layout.schema, HASH) if name not in layout.key
    ]
    assignments += [
        SQL("{0} = CASE WHEN {1} THEN excluded.{0} ELSE t.{0} END").format(
            Identifier(name), _differs(layout, steady, "t", "excluded")
        )
        for name in ("_changed_at", "_run_id")
    ]
    return SQL(", ").join(assignments)


def _differs(layout: TableLayout, names: list[str], left: str, right: str) -> Composable:
    """Whether any of the columns differs; floats by their bits, so that -0.0 is not 0.0."""

    def row(alias: str) -> Composable:
        values = [
            SQL("float8send({})" if layout.schema[name] == pl.Float64 else "{}").format(Identifier(alias, name))
            for name in names
        ]
        return SQL("ROW({})").format(SQL(", ").join(values))

    return SQL("{} IS DISTINCT FROM {}").format(row(left), row(right))


def _delete(connection: Connection, gone: pl.DataFrame, layout: TableLayout, table: Composable) -> int:
    if gone.is_empty():
        return 0
    stage = Identifier("pg_temp", "gone")
    same_key = SQL(" AND ").join(SQL("t.{0} = s.{0}").format(Identifier(name)) for name in layout.key)
    with connection.cursor() as cursor:
        cursor.execute(
            SQL("CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                identifiers(layout.key), table
            )
        )
        copy_in(connection, gone, stage)
        cursor.execute(SQL("DELETE FROM {} t USING {} s WHERE {}").format(table, stage, same_key))
        deleted: int = cursor.rowcount
        cursor.execute(SQL("DROP TABLE {}").format(stage))
    return deleted


def set_local(connection: Connection, name: str, value: str) -> None:
    """A setting of PostgreSQL for the rest of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT set_config({}, {}, true)").format(Literal(name), Literal(value)))
