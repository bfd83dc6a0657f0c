"""The past of every table: the triggers that keep each version that ends, and the table as it was at an instant.

A version ends when ``_changed_at`` of its row moves or its key goes. It lasts from its ``_changed_at``, or from the end
of the key's last version if that is later (a row put back by hand with its old times), until the next one begins; so
the versions of a key never overlap, whatever anyone writes. A beginning more than a day ahead is not believed. Nothing
happens on INSERT: a trigger there would slow the COPY of a first load. What does not belong here: the tables themselves
(``endpoints/tables.py``).
"""

from sqlalchemy.dialects import postgresql

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA
from spacex_assets.load.compare import believed, columns, quoted, same_key
from spacex_assets.load.routines import Routine
from spacex_assets.load.triggers import RUN_SETTING, SAFE_PATH, VERSION_SETTING

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def keep(layout: TableLayout) -> list[Routine]:
    """The statement triggers that keep versions, and their function.

    Its plan is made once per session, often for a single row, hence no nested loop over two sets of rows.
    """
    table, function = quoted(SCHEMA, layout.name), f"{quoted(HISTORY, layout.name + '_keep')}()"
    moved = f"LEFT JOIN begun b ON {same_key(layout, 'b', 'e')} WHERE b._changed_at IS DISTINCT FROM e._changed_at"
    create = f"""\
CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {SAFE_PATH} SET enable_nestloop = off AS $$
DECLARE
    _run text := nullif(current_setting('{RUN_SETTING}', true), '');
    _load timestamptz := nullif(current_setting('{VERSION_SETTING}', true), '');
    _now timestamptz := coalesce(_load, clock_timestamp());
BEGIN
    IF TG_OP = 'UPDATE' THEN
        {_insert(layout, f"ended e {moved}", "coalesce(b._changed_at, _now)")}
    ELSIF TG_OP = 'DELETE' THEN
        {_insert(layout, "ended e", "_now")}
    ELSE
        {_insert(layout, f"{table} e", "_now")}
    END IF;
    RETURN NULL;
END $$"""
    events = {
        "keep_updated": "AFTER UPDATE ON {} REFERENCING OLD TABLE AS ended NEW TABLE AS begun",
        "keep_deleted": "AFTER DELETE ON {} REFERENCING OLD TABLE AS ended",
        "keep_truncated": "BEFORE TRUNCATE ON {}",
    }
    return [
        Routine(
            f"FUNCTION {function}",
            (create, f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC"),
            f"Keeps the versions that end in {HISTORY}.{layout.name}.",
        ),
        *(
            Routine(
                f"TRIGGER {quoted(name)} ON {table}",
                (
                    f"CREATE OR REPLACE TRIGGER {name} {event.format(table)} "
                    f"FOR EACH STATEMENT EXECUTE FUNCTION {function}",
                ),
                "Keeps the versions that end.",
            )
            for name, event in events.items()
        ),
    ]


def as_of(layout: TableLayout) -> Routine:
    """The function ``history.<table>_at(instant)``: the table as it was, with the validity of each row."""
    function = quoted(HISTORY, layout.name + "_at")
    table, past = quoted(SCHEMA, layout.name), quoted(HISTORY, layout.name)
    returned = ", ".join(f"{quoted(column.name)} {column.kind.sql.compile(_DIALECT)}" for column in layout.columns)
    volatile = [column.name for column in layout.columns if column.volatile]
    except_for = f" Exact except for {', '.join(volatile)}." if volatile else ""
    create = f"""\
CREATE FUNCTION {function}(instant timestamptz)
RETURNS TABLE ({returned}, valid_from timestamptz, valid_to timestamptz) LANGUAGE sql STABLE AS $$
SELECT {columns(layout.schema, "h")}, h.valid_from, h.valid_to
FROM {past} h WHERE h.valid_from <= $1 AND $1 < h.valid_to
UNION ALL
SELECT {columns(layout.schema, "t")}, t._changed_at, NULL
FROM {table} t WHERE t._changed_at <= $1
AND NOT EXISTS (SELECT FROM {past} h WHERE {same_key(layout, "h", "t")} AND $1 < h.valid_to)
$$"""
    signature = f"{function}(timestamp with time zone)"
    return Routine(
        f"FUNCTION {signature}",
        (f"DROP FUNCTION IF EXISTS {signature}", create),
        f"{SCHEMA}.{layout.name} as it was at an instant; valid_to is null where it is still so.{except_for}",
    )


def _insert(layout: TableLayout, source: str, until: str) -> str:
    """Keeps the rows ``e`` of a source as versions that last until an instant, at least for a microsecond."""
    past, names = quoted(HISTORY, layout.name), (*layout.schema, "_first_seen_at", "_run_id")
    return f"""\
WITH version AS MATERIALIZED (
            SELECT e.*, {until} AS "valid to", greatest({believed("e._changed_at", "_now")}, (
                SELECT max(h.valid_to) FROM {past} h WHERE {same_key(layout, "h", "e")})) AS "valid from"
            FROM {source}
        )
        INSERT INTO {past} ({", ".join(map(quoted, names))},
            valid_from, valid_to, ended_by, ended_run_id, ended_user)
        SELECT {columns(names, "v")},
            v."valid from", greatest(v."valid to", v."valid from" + interval '1 microsecond'),
            lower(TG_OP), _run, session_user
        FROM version v;"""
