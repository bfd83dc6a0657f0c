"""Documents to tables: nested objects become columns, lists become rows, leaves get their types.

Driven by the layouts alone. What does not belong here: reading JSON (``parse.py``) and anything about one endpoint.
"""

from collections.abc import Iterable, Sequence

import polars as pl

from spacex_assets.endpoints.layout import Column, TableLayout
from spacex_assets.errors import PlatformError


class SchemaMismatch(PlatformError):
    """A frame does not have the declared schema."""


def frames(batches: Iterable[pl.DataFrame], layouts: Sequence[TableLayout]) -> dict[str, pl.DataFrame]:
    """One frame per table, by table name, each with exactly :attr:`TableLayout.schema`."""
    parts: dict[str, list[pl.DataFrame]] = {layout.name: [pl.DataFrame(schema=layout.schema)] for layout in layouts}
    for batch in batches:
        for layout in layouts:
            parts[layout.name].append(rows(batch, layout))
    return {name: pl.concat(tables, rechunk=True) for name, tables in parts.items()}


def rows(documents: pl.DataFrame, layout: TableLayout) -> pl.DataFrame:
    """The rows of one table in one batch of documents."""
    if layout.list_path is None:
        frame = documents.select(_typed(column) for column in layout.columns)
    else:
        frame = _unrolled(documents, layout, layout.list_path)
    checked_schema(frame, layout)
    return frame


def checked_schema(frame: pl.DataFrame, layout: TableLayout) -> None:
    """Raises :class:`SchemaMismatch` unless names, types and order of the columns are the declared ones."""
    if dict(frame.schema) == layout.schema and list(frame.schema) == list(layout.schema):
        return
    declared, found = layout.schema, dict(frame.schema)
    differences = [
        f"{name}: expected {declared.get(name, 'no such column')}, found {found.get(name, 'no such column')}"
        for name in {**declared, **found}
        if declared.get(name) != found.get(name)
    ] or [f"order of columns: expected {list(declared)}, found {list(found)}"]
    raise SchemaMismatch(
        f"{layout.name}: the frame does not have the declared schema: {'; '.join(differences)}. "
        f"Correct what made the frame, or the record that declares the table."
    )


def leaf(path: tuple[str, ...]) -> pl.Expr:
    """The value at a path of the document."""
    first, *rest = path
    value = pl.col(first)
    for name in rest:
        value = value.struct.field(name)
    return value


def _typed(column: Column) -> pl.Expr:
    return column.kind.read(leaf(column.path)).alias(column.name)


def _unrolled(documents: pl.DataFrame, layout: TableLayout, list_path: tuple[str, ...]) -> pl.DataFrame:
    parent, *others = layout.columns
    lists = documents.select(pl.col("id").alias(parent.name), leaf(list_path).alias("element"))
    elements = (
        lists.filter(pl.col("element").list.len() > 0)
        .with_columns(pl.int_ranges(pl.col("element").list.len(), dtype=pl.Int32).alias("position"))
        .explode("element", "position")
    )
    return elements.select(parent.name, *(_element_column(column) for column in others))


def _element_column(column: Column) -> pl.Expr:
    if column.name == "position" and not column.path:
        return pl.col("position")
    return column.kind.read(leaf(("element", *column.path))).alias(column.name)
