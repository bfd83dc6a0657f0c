"""The one way to forget history: a function of the owner's that deletes closed versions, old ones only.

Whoever may call it has no other right on schema ``history``, so a loader that goes astray cannot rewrite the recent
past. What does not belong here: when versions are old enough (the settings), and keeping them (``history.py``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA
from spacex_assets.load.compare import quoted, same_key
from spacex_assets.load.routines import Routine
from spacex_assets.load.triggers import SAFE_PATH

SHORTEST_DAYS = 30
"""Versions that ended later than so many days ago are never forgotten."""

BATCH = 10_000
"""Versions that one transaction deletes."""


@dataclass(frozen=True)
class Versions:
    """Closed versions of one table."""

    table: str
    count: int
    size: int


def forget_versions(layouts: Sequence[TableLayout]) -> Routine:
    """The function ``ops.forget_versions(of_table, before, at_most)``, which returns how many versions it deleted."""
    branches = "".join(
        f"""
    WHEN '{layout.name.replace("'", "''")}' THEN
        DELETE FROM {quoted(HISTORY, layout.name)} WHERE ctid = ANY (ARRAY(
            SELECT h.ctid FROM {quoted(HISTORY, layout.name)} h
            WHERE {_expendable(layout, "before")} LIMIT at_most));"""
        for layout in layouts
    )
    create = f"""\
CREATE OR REPLACE FUNCTION ops.forget_versions(of_table text, before timestamptz, at_most integer)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = {SAFE_PATH} AS $$
DECLARE
    _forgotten bigint;
BEGIN
    IF before IS NULL OR before > now() - interval '{SHORTEST_DAYS} days' THEN
        RAISE EXCEPTION USING MESSAGE = concat(
            'expected a moment at least {SHORTEST_DAYS} days ago, found ', before, '; nothing was forgotten');
    END IF;
    CASE of_table{branches}
    ELSE
        RAISE EXCEPTION USING MESSAGE = concat('no table with a history is called ', of_table);
    END CASE;
    GET DIAGNOSTICS _forgotten = ROW_COUNT;
    RETURN _forgotten;
END $$"""
    signature = "(text, timestamp with time zone, integer)"
    return Routine(
        f'FUNCTION "ops"."forget_versions"{signature}',
        (create, f"REVOKE ALL ON FUNCTION ops.forget_versions{signature} FROM PUBLIC"),
        f"Deletes versions that ended before a moment at least {SHORTEST_DAYS} days ago; not the last one of a row "
        f"that is gone, from which it would have its _first_seen_at if it returned.",
    )


def expendable_versions(
    connection: sa.Connection, layouts: Sequence[TableLayout], before: datetime
) -> Iterator[Versions]:
    """What :func:`forget` would delete, for each table that has any."""
    for layout in layouts:
        query = sa.text(
            f"SELECT count(*), coalesce(sum(pg_column_size(h.*)), 0) FROM {quoted(HISTORY, layout.name)} h "
            f"WHERE {_expendable(layout, ':before')}"
        )
        count, size = connection.execute(query, {"before": before}).one()
        if count:
            yield Versions(layout.name, count, int(size))


def forget(engine: sa.Engine, table: str, before: datetime, batch: int = BATCH) -> int:
    """Deletes the versions of a table that ended before a moment, a batch per transaction; how many."""
    query = sa.text("SELECT ops.forget_versions(:table, :before, :batch)")
    forgotten = 0
    while True:
        with engine.begin() as connection:
            count: int = connection.execute(query, {"table": table, "before": before, "batch": batch}).scalar_one()
        forgotten += count
        if count < batch:
            return forgotten


def _expendable(layout: TableLayout, before: str) -> str:
    """Whether a version ``h`` ended before a moment and another one of its row goes on."""
    return (
        f"h.valid_to < {before} AND ("
        f"EXISTS (SELECT FROM {quoted(SCHEMA, layout.name)} t WHERE {same_key(layout, 't', 'h')}) "
        f"OR EXISTS (SELECT FROM {quoted(HISTORY, layout.name)} l "
        f"WHERE {same_key(layout, 'l', 'h')} AND l.valid_from > h.valid_from))"
    )
