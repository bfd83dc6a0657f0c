"""One table of an endpoint, made equal to a frame with as few writes as possible.

Table without present and past: COPY straight in. Otherwise keys and row hashes are read, new, changed and gone rows are
found in Polars, and only those travel: `INSERT … ON CONFLICT DO UPDATE` in key order, then a delete of the gone. What
does not belong here: transactions and locks (``transaction.py``), and the checks before (``precheck.py``).
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Identifier, Literal

from spacex_assets.endpoints.kinds import INSTANT
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA
from spacex_assets.load.compare import believed, differs, same_key
from spacex_assets.load.copy import copy_in, copy_out, identifiers
from spacex_assets.load.quarantine import NOTHING_KEPT, Keep
from spacex_assets.load.row_hash import row_hash

HASH = "_row_hash"
BUCKET = 100_000
"""Keys that are compared at once."""


@dataclass(frozen=True)
class Counts:
    """What a load did to one table. ``rows`` = ``inserted`` + ``updated`` + ``unchanged``; the table has ``retained``
    more, of documents in quarantine.
    """

    rows: int
    inserted: int
    updated: int
    deleted: int
    retained: int = 0

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
    full_compare: bool = False,
    keep: Keep = NOTHING_KEPT,
    accepted: pl.Series | None = None,
) -> Counts:
    """Makes the table equal to the frame, inside the caller's transaction; rows of documents to ``keep`` stay.

    ``full_compare`` trusts no stored hash and compares every row by value. ``accepted`` are the ids of all documents
    that were accepted.
    """
    table = Identifier(SCHEMA, layout.name)
    if _is_empty(connection, table) and _is_empty(connection, Identifier(HISTORY, layout.name)):
        copy_in(
            connection,
            frame,
            table,
            layout.json,
            lambda part: _stamped(part.with_columns(row_hash(part, layout)), version),
        )
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
    gone, kept = keep.split(gone, layout.key[0], pl.Series([], dtype=pl.String) if accepted is None else accepted)
    return Counts(frame.height, inserted, updated, _delete(connection, gone, layout, table), kept.height)


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
    parts = {
        "table": table,
        "stage": stage,
        "key": identifiers(layout.key),
        "past": Identifier(HISTORY, layout.name),
        "same_key": SQL(same_key(layout, "t", "s")),
        "same_past": SQL(same_key(layout, "h", "s")),
        "differs": SQL(differs(layout, layout.schema, "t", "s")),
        "first_key": Identifier("t", layout.key[0]),
        "columns": identifiers((*layout.schema, HASH)),
        "staged": identifiers((*layout.schema, HASH), "s"),
        "assignments": _assignments(layout),
    }
    statements = {
        "rehash": "UPDATE {table} t SET _row_hash = s._row_hash FROM {stage} s "
        "WHERE {same_key} AND NOT ({differs}) AND t._row_hash IS DISTINCT FROM s._row_hash",
        # A key that comes back was first seen when it was first seen, and not before it went.
        "upsert": "WITH written AS (INSERT INTO {table} AS t ({columns}, _run_id, _first_seen_at, _changed_at) "
        "SELECT {staged}, s._run_id, least(h.first_seen_at, s._first_seen_at), greatest(h.ended_at, s._changed_at) "
        "FROM {stage} s LEFT JOIN {table} t ON {same_key} CROSS JOIN LATERAL (SELECT "
        "min(_first_seen_at) AS first_seen_at, max(valid_to) AS ended_at FROM {past} h "
        "WHERE {same_past} AND {first_key} IS NULL) h WHERE {first_key} IS NULL OR {differs} ORDER BY {staged_key} "
        "ON CONFLICT ({key}) DO UPDATE SET {assignments} RETURNING xmax = 0 AS inserted) "
        "SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written",
    }
    parts["staged_key"] = identifiers(layout.key, "s")
    with connection.cursor() as cursor:
        cursor.execute(SQL("CREATE TEMP TABLE stage (LIKE {}) ON COMMIT DROP").format(table))
        copy_in(connection, frame, stage, layout.json, lambda part: _stamped(part, version))
        cursor.execute(SQL("ANALYZE {} ({})").format(stage, parts["key"]))
        cursor.execute(SQL(statements["rehash"]).format(**parts))
        cursor.execute(SQL(statements["upsert"]).format(**parts))
        inserted, updated = cursor.fetchone() or (0, 0)
        cursor.execute(SQL("DROP TABLE {}").format(stage))
    return inserted, updated


def _assignments(layout: TableLayout) -> Composable:
    """Data columns always; since when and by which run only if a column that is not volatile differs."""
    assignments = [
        SQL("{0} = excluded.{0}").format(Identifier(name)) for name in (*layout.schema, HASH) if name not in layout.key
    ]
    changed = SQL(differs(layout, layout.steady, "t", "excluded"))
    believed_at = believed("t._changed_at", "excluded._changed_at")
    assignments += [
        SQL("{0} = CASE WHEN {1} THEN {2} ELSE t.{0} END").format(Identifier(name), changed, SQL(value))
        for name, value in (
            ("_changed_at", f"greatest(excluded._changed_at, {believed_at} + interval '1 microsecond')"),
            ("_first_seen_at", believed("t._first_seen_at", "excluded._changed_at")),
            ("_run_id", "excluded._run_id"),
        )
    ]
    return SQL(", ").join(assignments)


def _delete(connection: Connection, gone: pl.DataFrame, layout: TableLayout, table: Composable) -> int:
    if gone.is_empty():
        return 0
    stage = Identifier("pg_temp", "gone")
    matching = SQL(same_key(layout, "t", "s"))
    with connection.cursor() as cursor:
        cursor.execute(
            SQL("CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                identifiers(layout.key), table
            )
        )
        copy_in(connection, gone, stage)
        cursor.execute(SQL("DELETE FROM {} t USING {} s WHERE {}").format(table, stage, matching))
        deleted: int = cursor.rowcount
        cursor.execute(SQL("DROP TABLE {}").format(stage))
    return deleted


def set_local(connection: Connection, name: str, value: str) -> None:
    """A setting of PostgreSQL for the rest of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT set_config({}, {}, true)").format(Literal(name), Literal(value)))
