"""Whether the tables keep what the records promise: unique values, references, known values, ranges, mirrored links.

Each rule is a set-based query derived from the layouts; all of an endpoint are one statement. What does not belong
here: contradictions that only a person who knows the data can name (``oddities.py``).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

import sqlalchemy as sa

from spacex_assets.checks.findings import SHOWN, Finding
from spacex_assets.endpoints.layout import Column, TableLayout
from spacex_assets.endpoints.promises import Between
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load.compare import quoted

UNIQUE = "not unique"


OWNERS = {layout.name: endpoint.name for endpoint in ENDPOINTS.values() for layout in endpoint.layouts}
"""To which endpoint a table belongs."""


def rules(layout: TableLayout, loaded: Collection[str]) -> Iterator[str]:
    """The queries of one table: each gives the offences as rows (rule, key, found).

    ``loaded`` are the endpoints whose tables can be looked at.
    """
    for column in layout.columns:
        if column.unique:
            yield _not_unique(layout, column)
        if column.references in loaded:
            yield _dangling(layout, column)
        if column.mirrors and column.references in loaded and OWNERS[column.mirrors.table] in loaded:
            yield from _one_sided(layout, column)
    conditions = [(column, *one) for column in layout.columns for one in _conditions(layout, column)]
    if conditions:
        yield _values(layout, conditions)


def looked_at(layout: TableLayout) -> set[str]:
    """The endpoints whose tables the rules of a table look at."""
    references = {column.references for column in layout.columns if column.references}
    return references | {OWNERS[column.mirrors.table] for column in layout.columns if column.mirrors}


def broken(connection: sa.Connection, queries: Sequence[str]) -> list[Finding]:
    """Runs the queries of rules as one statement: of each rule the number of offences and the first of them."""
    if not queries:
        return []
    union = " UNION ALL ".join(f"SELECT * FROM ({query}) o (rule, key, found)" for query in queries)
    statement = (
        "SELECT rule, key, found, total FROM (SELECT *, count(*) OVER (PARTITION BY rule) AS total, "
        f"row_number() OVER (PARTITION BY rule ORDER BY key, found) AS place FROM ({union}) o) o "
        f"WHERE place <= {SHOWN} ORDER BY rule, place"
    )
    rows = connection.exec_driver_sql(statement)
    return [Finding(rule, key, found or "", total) for rule, key, found, total in rows]


def literal(value: str | float | date | timedelta) -> str:
    """A value in SQL; a timedelta is an instant, counted from now. A percent sign is doubled for the driver."""
    if isinstance(value, timedelta):
        return f"now() + interval '{value.days} days'"
    if isinstance(value, date):
        return f"DATE '{value}'"
    return "'" + value.replace("'", "''").replace("%", "%%") + "'" if isinstance(value, str) else repr(value)


def _key(layout: TableLayout, alias: str = "t") -> str:
    """The key of a row as text: ``parent, position`` where it has two parts."""
    return f" || {literal(', ')} || ".join(f"{alias}.{quoted(name)}::text" for name in layout.key)


def _not_unique(layout: TableLayout, column: Column) -> str:
    value, rule = f"t.{quoted(column.name)}", f"{layout.name}.{column.name} is {UNIQUE}"
    return (
        f"SELECT {literal(rule)}, {value}::text, string_agg({_key(layout)}, ', ') "
        f"FROM {quoted(SCHEMA, layout.name)} t WHERE {value} IS NOT NULL GROUP BY {value} HAVING count(*) > 1"
    )


def _references(layout: TableLayout, column: Column) -> str:
    """The rows (key, document, reference) of a column, one per reference."""
    value = f"t.{quoted(column.name)}"
    reference = f"unnest({value})" if _is_list(column) else value
    return (
        f"SELECT {_key(layout)} AS key, t.{quoted(layout.key[0])} AS document, {reference} AS reference "
        f"FROM {quoted(SCHEMA, layout.name)} t WHERE {value} IS NOT NULL"
    )


def _dangling(layout: TableLayout, column: Column) -> str:
    rule = f"{layout.name}.{column.name} refers to no {column.references}"
    return (
        f"SELECT {literal(rule)}, s.key, s.reference FROM ({_references(layout, column)}) s "
        f"WHERE NOT EXISTS (SELECT FROM {quoted(SCHEMA, column.references or '')} r WHERE r.id = s.reference)"
    )


def _one_sided(layout: TableLayout, column: Column) -> Iterator[str]:
    """Links that only one of the two sides has."""
    assert column.mirrors is not None
    link = column.mirrors
    ours, other = f"{layout.name}.{column.name}", f"{link.table}.{link.column}"
    here = f"SELECT document, reference FROM ({_references(layout, column)}) s"
    # The key of the other table begins with the document that this side refers to.
    (document, *_) = next(one.key for one in ENDPOINTS[OWNERS[link.table]].layouts if one.name == link.table)
    there = (
        f"SELECT t.{quoted(link.column)}, t.{quoted(document)} FROM {quoted(SCHEMA, link.table)} t "
        f"WHERE t.{quoted(link.column)} IS NOT NULL"
    )
    among = (
        f"EXISTS (SELECT FROM {quoted(SCHEMA, column.references or '')} r WHERE r.id = o.reference AND {link.among})"
    )
    yield (
        f"SELECT {literal(f'{ours} has what {other} has not')}, o.document, o.reference FROM ({here} EXCEPT {there}) o"
    )
    yield (
        f"SELECT {literal(f'{other} has what {ours} has not')}, o.document, o.reference "
        f"FROM ({there} EXCEPT {here}) o (document, reference) WHERE {among}"
    )


def _is_list(column: Column) -> bool:
    return str(column.kind.frame).startswith("List")


def _conditions(layout: TableLayout, column: Column) -> Iterator[tuple[str, str]]:
    """What holds for every value of a column that is not null: the rule, and the condition."""
    value = f"t.{quoted(column.name)}"
    if column.values:
        known = ", ".join(map(literal, column.values))
        yield f"{layout.name}.{column.name} is not a known value", f"{value} IN ({known})"
    if column.between:
        yield f"{layout.name}.{column.name} is not {_described(column.between)}", _within(value, column.between)


def _within(value: str, between: Between) -> str:
    ends = [f"{value} >= {literal(between.low)}"] if between.low is not None else []
    ends += [f"{value} <= {literal(between.high)}"] if between.high is not None else []
    return " AND ".join(ends)


def _described(between: Between) -> str:
    low, high = (
        f"{end.days} days from now" if isinstance(end, timedelta) else end for end in (between.low, between.high)
    )
    if low is not None and high is not None:
        return f"between {low} and {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def _values(layout: TableLayout, conditions: list[tuple[Column, str, str]]) -> str:
    """One scan for all conditions; only rows that break one are looked at again."""
    tested = ", ".join(
        f"({literal(rule)}, t.{quoted(column.name)}::text, {condition})" for column, rule, condition in conditions
    )
    breaks = " OR ".join(f"({condition}) IS FALSE" for _, _, condition in conditions)
    return (
        f"SELECT v.rule, {_key(layout)}, v.found FROM {quoted(SCHEMA, layout.name)} t "
        f"CROSS JOIN LATERAL (VALUES {tested}) v (rule, found, holds) WHERE ({breaks}) AND v.holds IS FALSE"
    )
