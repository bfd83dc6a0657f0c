"""Functions and triggers of the warehouse, as SQL; the migrations install them.

A row that anyone but a load edits loses its hash, so that the next run repairs it, and says that no run made it.
"""

from collections.abc import Iterable

from spacex_assets.endpoints.layout import TableLayout

RUN_SETTING = "spacex.run_id"
"""Set for the transaction of a load; what is written without it is a foreign edit."""

FOREIGN_EDIT_FUNCTION = f"""\
CREATE OR REPLACE FUNCTION ops.stamp_foreign_edit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW._row_hash := NULL;
    IF to_jsonb(NEW) - TG_ARGV IS DISTINCT FROM to_jsonb(OLD) - TG_ARGV THEN
        NEW._run_id := NULL;
        NEW._changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ops.stamp_foreign_edit() IS
    'Clears the hash of a row that was edited outside a load ({RUN_SETTING} is not set).';"""

BOOKKEEPING = ("_first_seen_at", "_changed_at", "_run_id", "_row_hash")


def foreign_edit_trigger(layout: TableLayout) -> str:
    """The trigger of one table; its arguments are the columns whose change makes no version."""
    ignored = (*BOOKKEEPING, *(column.name for column in layout.columns if column.volatile))
    arguments = ", ".join(f"'{name}'" for name in ignored)
    return (
        f'CREATE TRIGGER foreign_edit BEFORE UPDATE ON spacex."{layout.name}" FOR EACH ROW '
        f"WHEN (coalesce(current_setting('{RUN_SETTING}', true), '') = '' AND OLD.* *<> NEW.*) "
        f"EXECUTE FUNCTION ops.stamp_foreign_edit({arguments});"
    )


def statements(layouts: Iterable[TableLayout]) -> list[str]:
    """Everything to install, functions first."""
    return [FOREIGN_EDIT_FUNCTION, *(foreign_edit_trigger(layout) for layout in layouts)]
