"""Functions and triggers of the warehouse, as SQL; generated migrations install them.

A row that anyone but a load edits loses its hash, so that the next run repairs it, and says that no run made it. The
comment of each object ends with the fingerprint of its text, by which a changed declaration is noticed.
"""

from hashlib import sha256

from spacex_assets.endpoints.layout import TableLayout

RUN_SETTING = "spacex.run_id"
"""Set for the transaction of a load; what is written without it is a foreign edit."""

BOOKKEEPING = ("_first_seen_at", "_changed_at", "_run_id", "_row_hash")

_FUNCTION = """\
CREATE OR REPLACE FUNCTION ops.stamp_foreign_edit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW._row_hash := NULL;
    IF to_jsonb(NEW) - TG_ARGV IS DISTINCT FROM to_jsonb(OLD) - TG_ARGV THEN
        NEW._run_id := NULL;
        NEW._changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$"""


def fingerprint(layout: TableLayout | None) -> str:
    """Names the text of a table's trigger, or of the function (``None``)."""
    return sha256(_create(layout).encode()).hexdigest()[:12]


def replace_statements(layout: TableLayout | None) -> list[str]:
    """Drops and installs a table's trigger, or installs the function (``None``)."""
    if layout is None:
        about = f"Clears the hash of a row edited outside a load ({RUN_SETTING} is not set). Text: {fingerprint(None)}"
        return [_FUNCTION, f"COMMENT ON FUNCTION ops.stamp_foreign_edit() IS '{about}'"]
    table = f'spacex."{layout.name}"'
    return [
        f"DROP TRIGGER IF EXISTS foreign_edit ON {table}",
        _create(layout),
        f"COMMENT ON TRIGGER foreign_edit ON {table} IS 'Notices foreign edits. Text: {fingerprint(layout)}'",
    ]


def _create(layout: TableLayout | None) -> str:
    if layout is None:
        return _FUNCTION
    # The arguments are the columns whose change makes no version.
    ignored = (*BOOKKEEPING, *(column.name for column in layout.columns if column.volatile))
    arguments = ", ".join(f"'{name}'" for name in ignored)
    return (
        f'CREATE TRIGGER foreign_edit BEFORE UPDATE ON spacex."{layout.name}" FOR EACH ROW '
        f"WHEN (coalesce(current_setting('{RUN_SETTING}', true), '') = '' AND OLD.* *<> NEW.*) "
        f"EXECUTE FUNCTION ops.stamp_foreign_edit({arguments})"
    )
