"""The data dictionary, ``docs/data-dictionary.md``: the declarations as an analyst reads them.

Nothing is described here: meanings, units and references come from the records, types from the kinds, keys from the
layouts, examples from the simulated fleet. What does not belong here: words about one table or column.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.base import SIMULATED_MARK, Endpoint
from spacex_assets.endpoints.layout import Column, TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import SCHEMA, bookkeeping_columns
from spacex_assets.simulator.fleet import COLLECTIONS, Fleet
from spacex_assets.transform.typed import typed

FILE = Path(__file__).parent.parent / "docs" / "data-dictionary.md"
EXAMPLE_LENGTH = 40

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

_INTRODUCTION = f"""# Data dictionary

Every table and column of schema `{SCHEMA}`. Written by `make dictionary` from the declarations in
`spacex_assets/endpoints/`; the comments in PostgreSQL and the descriptions in the Dagster UI are the same texts.

How to read it:

- **Null**: whether the column may be null. Null is what the source has as null, leaves out, or has as an empty text;
  no value is ever invented.
- **Type**: the type in PostgreSQL. Instants (`timestamp with time zone`) are exact moments: they are shown in the time
  zone of your session, here in UTC.
- **Unit**: as the source measures; nothing is converted. Where it has a quantity in two units, both are there.
- **Source**: the path in the endpoint's JSON document; `[]` is each element of a list.
- **Refers to**: the table whose `id` it holds. Only a row's reference to its own parent is enforced, as a foreign key
  and part of the key. All others are as the source has them and may name a row that is not there: use an outer join.
- **Example**: from the simulated fleet with which the platform comes, never from real data. Every simulated document
  ends one of its texts with `{SIMULATED_MARK.strip()}`, and simulated and real data are never in one database.
- A **volatile** column changes by itself all the time; a change of it alone begins no new version of the row.
"""


def dictionary() -> str:
    """The whole document; the same declarations give the same text."""
    endpoints = ENDPOINTS.values()
    contents = [f"- [{layout.name}](#{layout.name}): {layout.comment}" for each in endpoints for layout in each.layouts]
    sections = [section for endpoint in endpoints for section in _sections(endpoint)]
    return "\n".join(
        [
            _INTRODUCTION,
            *("## Tables", "", *contents, "- [Bookkeeping columns](#bookkeeping-columns), which every table has", ""),
            *("## How the tables refer to each other", "", _PICTURE_LEGEND, "", "```mermaid", *_picture(), "```", ""),
            *sections,
            *_bookkeeping(),
        ]
    )


_PICTURE_LEGEND = """Keys and references only. A solid line is a foreign key, a dotted one a reference between
endpoints, which is not enforced. Arrays of ids (`text[]`) have no line; `launch_ids` are derived by the source from
launches."""


def _picture() -> Iterator[str]:
    layouts = [layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts]
    yield "erDiagram"
    for layout in layouts:
        yield f"    {layout.name} {{"
        for column in layout.columns:
            if column.name in layout.key or column.references:
                yield f"        {_type(column.kind.sql)} {column.name} {_key_mark(column, layout)}".rstrip()
        yield "    }"
    for layout in layouts:
        if layout.parent:
            yield f"    {layout.parent} ||--o{{ {layout.name} : {layout.key[0]}"
        for column in layout.columns:
            if column.references and column.kind is kinds.REFERENCE:
                yield f"    {column.references} |o..o{{ {layout.name} : {column.name}"


def _key_mark(column: Column, layout: TableLayout) -> str:
    if column.name not in layout.key:
        return ""
    return "PK, FK" if layout.parent and column.name == layout.key[0] else "PK"


def _sections(endpoint: Endpoint) -> Iterator[str]:
    documents = Fleet().documents(endpoint.name) if endpoint.name in COLLECTIONS else ()
    text = json.dumps(list(documents)).encode()
    tables = typed(endpoint, lambda: [text], simulated=True).frames
    for layout in endpoint.layouts:
        yield from _section(endpoint, layout, tables[layout.name])


def _section(endpoint: Endpoint, layout: TableLayout, frame: pl.DataFrame) -> Iterator[str]:
    rows = "one row" if endpoint.single else "one row per document"
    if layout.list_path is not None:
        rows = f"one row per element of `{'.'.join(layout.list_path)}`"
    volatile = [f"`{column.name}`" for column in layout.columns if column.volatile]
    yield from (f"## {layout.name}", "", layout.comment, "")
    yield f"From `GET {endpoint.path}`, {rows}. Key: {', '.join(f'`{name}`' for name in layout.key)}."
    if volatile:
        yield f"Volatile: {', '.join(volatile)}."
    yield from ("", _HEAD, _RULE)
    for column in layout.columns:
        parent = layout.parent if column.name == layout.key[0] else None
        refers = column.references or parent
        yield _line(
            f"`{column.name}`",
            _type(column.kind.sql),
            _yes_or_no(column.nullable),
            column.meaning,
            column.unit or "",
            f"`{column.source}`",
            f"[{refers}](#{refers})" if refers else "",
            example(frame[column.name]),
        )
    yield ""


_HEAD = "| Column | Type | Null | Meaning | Unit | Source | Refers to | Example |"
_RULE = "|---|---|---|---|---|---|---|---|"


def _bookkeeping() -> Iterator[str]:
    yield from ("## Bookkeeping columns", "", "Every table has them; they come from the platform, not the source.", "")
    yield from ("| Column | Type | Null | Meaning |", "|---|---|---|---|")
    for column in bookkeeping_columns():
        yield _line(f"`{column.name}`", _type(column.type), _yes_or_no(column.nullable), column.comment or "")
    yield ""


def example(values: pl.Series) -> str:
    """The first value that is neither null nor an empty list, short enough for a table's cell."""
    for value in values.drop_nulls():
        if not isinstance(value, pl.Series) or value.len():
            return f"`{_shortened(_readable(value))}`"
    return ""


def _readable(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.10g}"
        case datetime():
            return value.isoformat(" ").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case pl.Series():
            return "{" + ", ".join(map(_readable, value)) + "}"
    return str(value)


def _shortened(text: str) -> str:
    line = " ".join(text.replace("`", "'").split())
    return line if len(line) <= EXAMPLE_LENGTH else line[: EXAMPLE_LENGTH - 1].rstrip() + "…"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type(sql: TypeEngine[Any]) -> str:
    return str(sql.compile(_DIALECT)).lower()


def _yes_or_no(nullable: bool | None) -> str:
    return "yes" if nullable else "no"
