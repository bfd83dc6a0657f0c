"""Comparisons of rows by value, as SQL: one meaning of "changed" for loads, triggers and history."""

from collections.abc import Iterable

import polars as pl

from spacex_assets.endpoints.layout import TableLayout


def quoted(*names: str) -> str:
    """``"a"."b"``."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def columns(names: Iterable[str], alias: str) -> str:
    """``a."x", a."y"``."""
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)


def believed(claimed: str, now: str) -> str:
    """The time that a row claims, unless it is more than a day ahead, which only a hand can have written.

    Less may be a clock that went back.
    """
    return f"CASE WHEN {claimed} > {now} + interval '1 day' THEN {now} ELSE {claimed} END"


def same_key(layout: TableLayout, left: str, right: str) -> str:
    """Whether two rows have the same key."""
    return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in layout.key)


def differs(layout: TableLayout, names: Iterable[str], left: str, right: str) -> str:
    """Whether any of the columns differs; floats by their bits, so that -0.0 is not 0.0."""

    def row(alias: str) -> str:
        values = (f"{alias}.{quoted(name)}" for name in names)
        kinds = (layout.schema[name] for name in names)
        return ", ".join(
            f"float8send({value})" if kind == pl.Float64 else value for value, kind in zip(values, kinds, strict=True)
        )

    return f"ROW({row(left)}) IS DISTINCT FROM ROW({row(right)})"
