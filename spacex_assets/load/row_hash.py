"""The hash by which unchanged rows are known without reading them.

Stable across releases of Polars and across machines: xxh3-64 over an unambiguous text of all data columns, seeded with
the table's contract. Text has no NUL, so NUL and a letter stand for what is no text: ``n`` a null, ``v`` the end of a
value, ``l`` that of a list, ``x`` a null list. Numbers hash by value, except that -0.0 differs from 0.0 and NaN from
null.
"""

import polars as pl
import polars_hash as plh

from spacex_assets.endpoints.layout import TableLayout

SLICE = 50_000


def row_hash(frame: pl.DataFrame, layout: TableLayout) -> pl.Series:
    """The signed 64-bit hash of every row, in the order of the rows."""
    values = [part for name in layout.schema for part in (_encoded(name, frame.schema[name]), pl.lit("\0v"))]
    text = pl.concat_str([pl.lit(layout.contract), *values])
    hashed = plh.concat_str(text).nchash.xxh3_64().reinterpret(signed=True).alias("_row_hash")
    slices = [part.select(hashed).to_series() for part in frame.iter_slices(SLICE)]
    return pl.concat(slices) if slices else pl.Series("_row_hash", [], dtype=pl.Int64)


def _encoded(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.List):
        elements = column.list.eval((_text(pl.element(), kind.inner) + "\0v").fill_null("\0n"))
        return (elements.list.join("") + "\0l").fill_null("\0x")
    return _text(column, kind).fill_null("\0n")


def _text(value: pl.Expr, kind: object) -> pl.Expr:
    if isinstance(kind, pl.Date | pl.Datetime):
        value = value.to_physical()
    return value if kind == pl.String else value.cast(pl.String)
