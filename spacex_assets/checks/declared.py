"""What PostgreSQL's catalog is to have of a table and its history, thing by thing, from the declarations.

Definitions are compared in a normal form, for PostgreSQL writes down what it was told in words of its own. What does
not belong here: what the catalog has (``catalog.py``).
"""

import re
from functools import cache
from hashlib import sha256
from itertools import chain

import sqlalchemy as sa
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA, history_of, table_of
from spacex_assets.load import history, triggers
from spacex_assets.load.compare import quoted
from spacex_assets.load.routines import Routine

Thing = tuple[str, str, str]
"""Schema, table or function, and what of it: ``column name``, ``primary key name``, …"""

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_COMPILER = _DIALECT.ddl_compiler(_DIALECT, None)  # type: ignore[arg-type]
_TYPES = {
    sa.PrimaryKeyConstraint: "primary key",
    sa.ForeignKeyConstraint: "foreign key",
    sa.CheckConstraint: "check",
    sa.UniqueConstraint: "unique",
}
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|::\w+|\w+|[^\s\w()]""")
_SAME = ((" or replace ", " "), (" using btree ", " "), (" = any array [ ", " in "), (" ] ", " "))


def normal(definition: str) -> str:
    """An SQL text without what PostgreSQL adds to it or leaves out: parentheses, casts, quotes, capitals, spaces.

    Strings stay as they are.
    """
    tokens = [token if token.startswith("'") else token.lower().strip('"') for token in _TOKEN.findall(definition)]
    text = f" {' '.join(token for token in tokens if not token.startswith('::'))} "
    for words, other in _SAME:
        text = text.replace(words, other)
    return text.strip()


@cache
def declared(layout: TableLayout) -> dict[Thing, str | None]:
    """What there is to be of a table and its history."""
    things: dict[Thing, str | None] = {}
    for table in (table_of(layout), history_of(layout)):
        start = (str(table.schema), table.name)
        things[*start, "table"] = table.comment
        for column in table.columns:
            things[*start, f"column {column.name}"] = _column(column)
        for constraint in table.constraints:
            name = _DIALECT.identifier_preparer.format_constraint(constraint)
            text = _COMPILER.process(constraint).removeprefix(f"CONSTRAINT {name} ")
            things[*start, f"{_TYPES[type(constraint)]} {_plain(name)}"] = normal(text)
        for index in table.indexes:
            name = _plain(_DIALECT.identifier_preparer.format_index(index))
            things[*start, f"index {name}"] = normal(_COMPILER.process(sa.schema.CreateIndex(index)))
    for routine in _routines(layout):
        kind, _, rest = routine.identity.partition(" ")
        if kind == "TRIGGER":
            name, _, place = rest.partition(" ON ")
            schema = SCHEMA if place == quoted(SCHEMA, layout.name) else HISTORY
            things[schema, layout.name, f"trigger {_plain(name)}"] = f"{normal(routine.create[0])}, {routine.comment}"
        else:
            things[HISTORY, function_name(routine), "function"] = f"{_function(routine)}, {routine.comment}"
    return things


def functions(layout: TableLayout) -> list[str]:
    """The names of the functions that go with a table."""
    return [function_name(one).partition("(")[0] for one in _routines(layout) if one.identity.startswith("FUNCTION ")]


def function_name(routine: Routine) -> str:
    """``cores_keep()``."""
    return routine.identity.partition(".")[2].replace('"', "")


@cache
def _routines(layout: TableLayout) -> tuple[Routine, ...]:
    return (*triggers.foreign_edit(layout), *history.keep(layout), history.as_of(layout))


def _column(column: "sa.Column[object]") -> str:
    default = column.server_default.arg if isinstance(column.server_default, sa.DefaultClause) else None
    parts = (
        column.type.compile(_DIALECT).lower(),
        "not null" * (not column.nullable),
        f"default {default.compile(dialect=_DIALECT)}" if isinstance(default, sa.ClauseElement) else default,
        column.comment,
    )
    return ", ".join(part for part in parts if part)


def _function(routine: Routine) -> str:
    """Its language, its traits and its body, which PostgreSQL keeps as it was told."""
    (create,) = (text for text in routine.create if "$$" in text)
    header, body, _ = create.split("$$")
    language = re.findall(r"LANGUAGE (\w+)", header)
    traits = [trait for trait in ("SECURITY DEFINER", "STABLE") if trait in header]
    values = [f"{name}={value}" for name, value in re.findall(r"SET (\w+) = (\w+(?:, \w+)*)", header)]
    digest = sha256(body.encode()).hexdigest()[:12]
    return ", ".join(chain(language, map(str.lower, traits), values, [f"body {digest}"]))


def _plain(name: str | None) -> str:
    return (name or "").strip('"')
