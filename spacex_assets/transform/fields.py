"""The declared fields of a record, each with its JSON path, and the columns that are made from them.

What does not belong here: what documents have in them (``profile.py``).
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import polars as pl

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.base import EXTRA, Record, Ungiven
from spacex_assets.endpoints.layout import Column, TableLayout, source_name, unwrap
from spacex_assets.endpoints.paths import ANY, ROOT, Location, field_path, step

LENGTH = 100
"""Characters that are kept of an example or a value."""
OBJECT = "object"
_JSON_TYPES: Mapping[type[pl.DataType], str] = {
    pl.String: "string",
    pl.Boolean: "boolean",
    **dict.fromkeys((pl.Int8, pl.Int32, pl.Int64, pl.Float64), "number"),
    pl.List: "array",
}


class Field(NamedTuple):
    """A declared field: its path and that of its object, and the attribute of its object that it is.

    ``leaf`` says whether it has a column, ``ungiven`` whether the source is known never to give it.
    """

    path: str
    place: str
    name: str
    type: str
    leaf: bool
    ungiven: bool


def fields_of(record: type[Record], place: str = ROOT) -> Iterator[Field]:
    """Every declared field of a record, those of the objects in it after each."""
    for name, info in record.model_fields.items():
        inner, marks, _ = unwrap(info)
        path = place + step(source_name(name, info))
        kind = next((mark for mark in marks if isinstance(mark, kinds.Kind)), None)
        nested = _record_in(inner) if kind is None else None
        ungiven = any(isinstance(mark, Ungiven) for mark in marks)
        json = OBJECT if nested is inner else "array" if kind is None else _JSON_TYPES[type(kind.json)]
        yield Field(path, place, name, json, kind is not None, ungiven)
        if nested is not None:
            yield from fields_of(nested, path if nested is inner else path + ANY)


def _record_in(inner: Any) -> type[Record] | None:
    """The record that a field holds, by itself or in a list."""
    for candidate in (inner, *get_args(inner)):
        if isinstance(candidate, type) and issubclass(candidate, Record):
            return candidate
    return None


def columns_of(layout: TableLayout) -> Iterator[tuple[str, Column]]:
    """The columns that are made from a field, by its path."""
    for column in reversed(layout.columns):
        if column.path and column.name != EXTRA:
            yield place((*layout.place, *column.path)), column


def place(location: Location) -> str:
    """The path of a field at any position in lists, shortened."""
    return shortened(field_path(location), 3 * LENGTH)


def shortened(text: str, length: int = LENGTH) -> str:
    """The beginning of a text, if it is long."""
    return text if len(text) <= length else text[: length - 1] + "…"
