"""Whether PostgreSQL's catalog has the tables as they are declared: columns, keys, checks, indexes, comments, triggers.

For one endpoint's tables and their history, in one query. What does not belong here: how a table gets that way
(migrations).
"""

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.schema import Constraint

from spacex_assets.checks.findings import Finding
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA, history_of, table_of
from spacex_assets.load import history, triggers
from spacex_assets.load.compare import quoted

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_TYPES = {
    sa.PrimaryKeyConstraint: "primary key",
    sa.ForeignKeyConstraint: "foreign key",
    sa.CheckConstraint: "check",
    sa.UniqueConstraint: "unique",
}

_FOUND = """
WITH relation AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = ANY (%(schemas)s) AND c.relname = ANY (%(names)s)
)
SELECT schema, name, 'table', obj_description(oid, 'pg_class') FROM relation
UNION ALL
SELECT schema, name, 'column ' || attname, concat_ws(', ', format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN 'not null' END, col_description(attrelid, attnum))
FROM relation JOIN pg_attribute ON attrelid = oid WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT schema, r.name, CASE contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check'
    WHEN 'u' THEN 'unique' ELSE contype::text END || ' ' || conname, (SELECT string_agg(attname, ', ' ORDER BY place)
    FROM unnest(CASE WHEN contype <> 'c' THEN conkey END) WITH ORDINALITY k (number, place)
    JOIN pg_attribute ON (attrelid, attnum) = (r.oid, number))
FROM relation r JOIN pg_constraint ON conrelid = r.oid WHERE contype NOT IN ('n', 't')
UNION ALL
SELECT schema, r.name, 'index ' || i.relname, NULL
FROM relation r JOIN pg_index ON indrelid = r.oid JOIN pg_class i ON i.oid = indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
UNION ALL
SELECT schema, r.name, 'trigger ' || tgname, concat_ws(', ', CASE WHEN tgenabled <> 'O' THEN 'not enabled' END,
    obj_description(t.oid, 'pg_trigger'))
FROM relation r JOIN pg_trigger t ON tgrelid = r.oid WHERE NOT tgisinternal"""

MISSING_DATA = "missing data"
"""A table or column that queries need."""

Thing = tuple[str, str, str]
"""Schema, table, and what of it: ``column name``, ``primary key name``, …"""


def catalog_findings(connection: sa.Connection, layouts: Sequence[TableLayout]) -> list[Finding]:
    """In what the catalog differs from the declarations, thing by thing."""
    names = {"schemas": [SCHEMA, HISTORY], "names": [layout.name for layout in layouts]}
    found: dict[Thing, str | None] = {
        (schema, name, what): text for schema, name, what, text in connection.exec_driver_sql(_FOUND, names)
    }
    declared = {thing: text for layout in layouts for thing, text in _declared(layout).items()}
    differing = []
    for thing in sorted({**declared, **found}):
        schema, name, what = thing
        key = f"{schema}.{name}: {what}"
        if thing not in found:
            data = schema == SCHEMA and what.startswith(("table", "column"))
            differing.append(Finding(MISSING_DATA if data else "missing", key, "it is declared, the database has none"))
        elif thing not in declared:
            differing.append(Finding("not declared", key, "the database has it, no record declares it"))
        elif (found[thing] or "") != (declared[thing] or ""):
            text = f"expected {declared[thing]!r}, found {found[thing]!r}"
            differing.append(Finding("differs from its declaration", key, text))
    return differing


@cache
def _declared(layout: TableLayout) -> dict[Thing, str | None]:
    things: dict[Thing, str | None] = {}
    for table in (table_of(layout), history_of(layout)):
        start = (str(table.schema), table.name)
        things[*start, "table"] = table.comment
        for column in table.columns:
            parts = (column.type.compile(_DIALECT).lower(), "not null" * (not column.nullable), column.comment)
            things[*start, f"column {column.name}"] = ", ".join(part for part in parts if part)
        for constraint in table.constraints:
            name = _DIALECT.identifier_preparer.format_constraint(constraint)
            things[*start, f"{_TYPES[type(constraint)]} {_plain(name)}"] = _columns(constraint)
        for index in table.indexes:
            things[*start, f"index {_plain(_DIALECT.identifier_preparer.format_index(index))}"] = None
    for routine in (*triggers.foreign_edit(layout), *history.keep(layout)):
        kind, _, rest = routine.identity.partition(" ")
        if kind == "TRIGGER":
            name, _, place = rest.partition(" ON ")
            schema = SCHEMA if place == quoted(SCHEMA, layout.name) else HISTORY
            things[schema, layout.name, f"trigger {_plain(name)}"] = routine.comment
    return things


def _columns(constraint: Constraint) -> str | None:
    if isinstance(constraint, sa.PrimaryKeyConstraint | sa.ForeignKeyConstraint | sa.UniqueConstraint):
        return ", ".join(column.name for column in constraint.columns)
    return None


def _plain(name: str | None) -> str:
    return (name or "").strip('"')
