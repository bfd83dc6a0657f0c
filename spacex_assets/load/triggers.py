"""What a load tells PostgreSQL about itself, and the trigger that stamps whatever anyone else edits.

A row edited outside a load loses its hash, so that the next run repairs it, and says that no run made it; nobody moves
its bookkeeping by hand. Who only claims to be a load does not get by: a load moves ``_changed_at`` with the values.
What does not belong here: keeping the version that ended (``history.py``).
"""

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA
from spacex_assets.load.compare import believed, differs, quoted, same_key
from spacex_assets.load.routines import Routine

RUN_SETTING = "spacex.run_id"
"""Set for the transaction of a load; what is written without it is a foreign edit."""

VERSION_SETTING = "spacex.version_at"
"""Set beside it: the instant of all that the load writes."""


SAFE_PATH = "pg_catalog, pg_temp"
"""Where the functions find what they name without its schema. Unless it is named last, the temporary schema of whoever
calls is searched first, with the types that they made there."""


def foreign_edit(layout: TableLayout) -> list[Routine]:
    """The trigger on updates by anyone but a load, and its function; whatever is claimed, values move with their time.

    A changed key is another row: first seen when its key was first seen, and its version begins after all that ended.
    """
    table, past = quoted(SCHEMA, layout.name), quoted(HISTORY, layout.name)
    function = f"{quoted(HISTORY, layout.name + '_stamp')}()"
    create = f"""\
CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {SAFE_PATH} AS $$
BEGIN
    IF coalesce(current_setting('{RUN_SETTING}', true), '') <> ''
        AND NOT ({differs(layout, layout.steady, "NEW", "OLD")}) THEN
        RETURN NEW;  -- a load that found only volatile values changed, or another hash
    END IF;
    NEW._row_hash := NULL;
    NEW._first_seen_at := OLD._first_seen_at;
    NEW._changed_at := OLD._changed_at;
    NEW._run_id := OLD._run_id;
    IF {differs(layout, layout.steady, "NEW", "OLD")} THEN
        NEW._changed_at := greatest(
            clock_timestamp(), {believed("OLD._changed_at", "clock_timestamp()")} + interval '1 microsecond');
        NEW._run_id := NULL;
    END IF;
    IF {differs(layout, layout.key, "NEW", "OLD")} THEN
        SELECT coalesce(min(h._first_seen_at), NEW._changed_at), greatest(max(h.valid_to), NEW._changed_at)
        INTO NEW._first_seen_at, NEW._changed_at FROM {past} h WHERE {same_key(layout, "h", "NEW")};
    END IF;
    RETURN NEW;
END $$"""
    trigger = (
        f"CREATE OR REPLACE TRIGGER foreign_edit BEFORE UPDATE ON {table} FOR EACH ROW "
        f"WHEN (OLD.* *<> NEW.* AND (coalesce(current_setting('{RUN_SETTING}', true), '') = '' "
        f"OR NEW._changed_at = OLD._changed_at)) "
        f"EXECUTE FUNCTION {function}"
    )
    return [
        Routine(
            f"FUNCTION {function}",
            (create, f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC"),
            f"Stamps a row edited outside a load ({RUN_SETTING} is not set), so that the next run repairs it.",
        ),
        Routine(f"TRIGGER {quoted('foreign_edit')} ON {table}", (trigger,), "Notices foreign edits."),
    ]
