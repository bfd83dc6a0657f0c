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


def repeated(keys: pl.DataFrame) -> pl.DataFrame:
    """The keys that occur more than once, each once, in their order."""
    # Counting hashes first takes a tenth of the memory of comparing the keys themselves.
    if keys.hash_rows().n_unique() == keys.height:
        return keys.clear()
    return keys.filter(keys.is_duplicated()).unique(maintain_order=True)


def _check_keys(frame: pl.DataFrame, layout: TableLayout) -> None:
    keys = frame.select(layout.key)
    for reason, rows in (
        ("null", keys.filter(pl.any_horizontal(pl.all().is_null()))),
        ("duplicate", repeated(keys)),
    ):
        if rows.height:
            raise KeyViolation(
                f"{layout.name}: {rows.height} {reason} key(s) in ({', '.join(layout.key)}), the first: "
                f"{rows.head(SHOWN).rows()}. Every row needs a key of its own. Nothing was written; "
                f"correct the documents at the source."
            )


def _check_texts(frame: pl.DataFrame, layout: TableLayout) -> None:
    nul = {
        name: _has_nul(pl.col(name), kind)
        for name, kind in frame.schema.items()
        if kind in (pl.String, pl.List(pl.String))
    }
    found = frame.select(**{name: has.any() for name, has in nul.items()})
    name = next((column.name for column in found if column.any()), None)
    if name is not None:
        rows = frame.filter(nul[name]).select(layout.key)
        raise NulCharacter(
            f"{layout.name}.{name}: {rows.height} text(s) with the character NUL, which PostgreSQL cannot hold, "
            f"the first in the row with key {rows.row(0)}. Nothing was written; correct the document at the source."
        )


def _has_nul(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if kind == pl.String:
        return column.str.contains("\0", literal=True)
    return column.list.eval(pl.element().str.contains("\0", literal=True)).list.any()
