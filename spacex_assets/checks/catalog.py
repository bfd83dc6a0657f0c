"""Whether PostgreSQL's catalog has the tables as they are declared: columns, keys, checks, indexes, comments, triggers.

For one endpoint's tables, their history and the functions that keep it, in one query. What does not belong here: what
is declared (``declared.py``), and how a table gets that way (migrations).
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from spacex_assets.checks.declared import Thing, declared, functions, normal
from spacex_assets.checks.findings import Finding
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA

_FOUND = """
SET LOCAL search_path = pg_catalog;
WITH relation AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = ANY (%(schemas)s) AND c.relname = ANY (%(names)s)
)
SELECT schema, name, 'table' AS what, NULL AS definition, obj_description(oid, 'pg_class') AS rest FROM relation
UNION ALL
SELECT schema, name, 'column ' || attname, NULL, concat_ws(', ', format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN 'not null' END, 'default ' || pg_get_expr(adbin, adrelid),
    col_description(attrelid, attnum))
FROM relation JOIN pg_attribute ON attrelid = oid LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT schema, r.name, CASE contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check'
    WHEN 'u' THEN 'unique' ELSE contype::text END || ' ' || conname, pg_get_constraintdef(c.oid), NULL
FROM relation r JOIN pg_constraint c ON conrelid = r.oid WHERE contype NOT IN ('n', 't')
UNION ALL
SELECT schema, r.name, 'index ' || i.relname, pg_get_indexdef(indexrelid), CASE WHEN NOT indisvalid THEN 'not valid' END
FROM relation r JOIN pg_index ON indrelid = r.oid JOIN pg_class i ON i.oid = indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
UNION ALL
SELECT schema, r.name, 'trigger ' || tgname, pg_get_triggerdef(t.oid), concat_ws(', ',
    CASE WHEN tgenabled <> 'O' THEN 'not enabled' END, obj_description(t.oid, 'pg_trigger'))
FROM relation r JOIN pg_trigger t ON tgrelid = r.oid WHERE NOT tgisinternal
UNION ALL
SELECT n.nspname, format('%%s(%%s)', proname, oidvectortypes(proargtypes)), 'function', NULL, concat_ws(', ', lanname,
    CASE WHEN prosecdef THEN 'security definer' END,
    CASE provolatile WHEN 's' THEN 'stable' WHEN 'i' THEN 'immutable' END,
    array_to_string(proconfig, ', '), 'body ' || left(encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'), 12),
    obj_description(p.oid, 'pg_proc'))
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace JOIN pg_language l ON l.oid = prolang
WHERE n.nspname = %(history)s AND proname = ANY (%(functions)s)"""
"""Of each thing its definition, in words of PostgreSQL's that name everything by its schema, and what else there is."""

MISSING_DATA = "missing data"
"""A table or column that queries need."""

REMEDY = (
    "Find out who changed it, and undo it with the statement that last made it in "
    "spacex_assets/load/migrations/versions; `python -m spacex_assets migrate` helps only where a migration was not "
    "applied."
)


def catalog_findings(connection: sa.Connection, layouts: Sequence[TableLayout]) -> list[Finding]:
    """In what the catalog differs from the declarations, thing by thing."""
    names = {
        "schemas": [SCHEMA, HISTORY],
        "names": [layout.name for layout in layouts],
        "history": HISTORY,
        "functions": [name for layout in layouts for name in functions(layout)],
    }
    found: dict[Thing, str] = {
        (schema, name, what): ", ".join(part for part in (definition and normal(definition), rest) if part)
        for schema, name, what, definition, rest in connection.exec_driver_sql(_FOUND, names)
    }
    wanted = {thing: text for layout in layouts for thing, text in declared(layout).items()}
    return [
        Finding(*one, remedy=REMEDY)
        for thing in sorted({**wanted, **found})
        if (one := _difference(thing, wanted, found)) is not None
    ]


def _difference(
    thing: Thing, wanted: Mapping[Thing, str | None], found: Mapping[Thing, str]
) -> tuple[str, str, str] | None:
    schema, name, what = thing
    key = f"{schema}.{name}: {what}"
    if thing not in found:
        return (
            MISSING_DATA if what.startswith(("table", "column")) else "missing",
            key,
            "it is declared, the database has none",
        )
    if thing not in wanted:
        return "not declared", key, "the database has it, no record declares it"
    if found[thing] == (wanted[thing] or ""):
        return None
    return "differs from its declaration", key, f"expected {wanted[thing]!r}, found {found[thing]!r}"
