"""What is checked of a frame before the database is touched: schema, keys, NUL characters."""

import polars as pl

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.load.errors import KeyViolation, NulCharacter
from spacex_assets.transform.flatten import checked_schema

SHOWN = 10


def check_frame(frame: pl.DataFrame, layout: TableLayout) -> None:
    """Raises :class:`SchemaMismatch`, :class:`KeyViolation` or :class:`NulCharacter`, naming the first rows."""
    checked_schema(frame, layout)
    _check_keys(frame, layout)
    _check_texts(frame, layout)


def _check_keys(frame: pl.DataFrame, layout: TableLayout) -> None:
    keys = frame.select(layout.key)
    for reason, rows in (
        ("null", keys.filter(pl.any_horizontal(pl.all().is_null()))),
        ("duplicate", keys.filter(keys.is_duplicated()).unique(maintain_order=True)),
    ):
        if rows.height:
            raise KeyViolation(
                f"{layout.name}: {rows.height} {reason} key(s) in ({', '.join(layout.key)}), the first: "
                f"{rows.head(SHOWN).rows()}. Every row needs a key of its own. Nothing was written; "
                f"correct the documents at the source."
            )


def _check_texts(frame: pl.DataFrame, layout: TableLayout) -> None:
    for name, kind in frame.schema.items():
        if kind == pl.String:
            found = pl.col(name).str.contains("\0", literal=True)
        elif kind == pl.List(pl.String):
            found = pl.col(name).list.eval(pl.element().str.contains("\0", literal=True)).list.any()
        else:
            continue
        rows = frame.filter(found).select(layout.key)
        if rows.height:
            raise NulCharacter(
                f"{layout.name}.{name}: {rows.height} text(s) with the character NUL, which PostgreSQL cannot hold, "
                f"the first in the row with key {rows.row(0)}. Nothing was written; correct the document at the source."
            )
