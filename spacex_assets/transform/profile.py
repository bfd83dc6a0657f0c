"""What the documents of one snapshot look like: per JSON path how often it is there, filled, of which types.

Taken from what typing a snapshot makes anyway: the typed frames say which fields are null, the validated documents
which are absent from all, the faults which are undeclared. So a field is filled as its column is: an empty text is not.
What does not belong here: what a difference between two profiles means (``drift.py``).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import polars as pl
from pydantic import BaseModel, ConfigDict

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.base import EXTRA, Endpoint, Record, Ungiven
from spacex_assets.endpoints.layout import Column, TableLayout, source_name, unwrap
from spacex_assets.endpoints.paths import ANY, ROOT, Location, field_path, step

LENGTH = 100
"""Characters that are kept of an example or a value."""
VALUES = 20
"""Undeclared values that are kept of a field, in order of the alphabet."""


class FieldProfile(BaseModel):
    """A field, by its JSON path with ``[]`` for any position in a list.

    ``objects`` could have the field; ``present`` says whether any has it, ``given`` whether any has it other than null.
    ``filled`` have something in it: no null, no empty text, in a list with a table of its own a row. ``types`` are its
    JSON types other than null, or with it where null breaks the record; ``values`` are outside of the declared ones.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    declared: bool
    objects: int
    present: bool
    given: bool
    filled: int
    types: tuple[str, ...]
    values: tuple[str, ...] = ()
    example: str | None = None


Profile = tuple[FieldProfile, ...]


def place(location: Location) -> str:
    """The path of a field at any position in lists, shortened."""
    return shortened(field_path(location), 3 * LENGTH)


def json_type(value: Any) -> str:
    """What JSON calls the type of a value."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def shortened(text: str, length: int = LENGTH) -> str:
    """The beginning of a text, if it is long."""
    return text if len(text) <= length else text[: length - 1] + "…"


def example_of(value: Any) -> str:
    """A value as JSON, shortened."""
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


class Tally:
    """Looks at the documents of a snapshot, batch by batch; :meth:`profile` is the result."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._fields = tuple(_fields(endpoint.record, ROOT, ()))
        self._absent = {field.path: field for field in self._fields}
        self._null = {field.path: field for field in self._fields if not field.leaf}
        self._unknown: Counter[str] = Counter()
        self._around: dict[str, str] = {}
        self._filled: Counter[str] = Counter()
        self._types: defaultdict[str, set[str]] = defaultdict(set)
        self._values: defaultdict[str, set[str]] = defaultdict(set)
        self._examples: dict[str, str] = {}

    def accept(self, documents: Sequence[Record]) -> None:
        """Looks at documents that keep their record, as far as the first that has each field."""
        for path, field in list(self._absent.items()):
            if any(field.name in one.__pydantic_fields_set__ for one in _objects(documents, field.above)):
                del self._absent[path]
        for path, field in list(self._null.items()):
            if any(getattr(one, field.name) is not None for one in _objects(documents, field.above)):
                del self._null[path]

    def unknown_field(self, location: Sequence[int | str], value: Any) -> None:
        """Counts a field that the record does not declare."""
        path = place(location)
        self._around[path] = place(location[:-1])
        self._unknown[path] += 1
        if value is not None:
            self._filled[path] += 1
            self._types[path].add(json_type(value))
            self._examples.setdefault(path, example_of(value))

    def unknown_value(self, location: Location, value: str) -> None:
        """Notes a value that breaks a frozen record, so that it is in no frame."""
        self._values[place(location)].add(shortened(value))

    def broken_field(self, location: Location, value: Any) -> None:
        """Notes the type of a value that breaks the record."""
        self._types[place(location)].add(json_type(value))

    def profile(self, frames: Mapping[str, pl.DataFrame]) -> Profile:
        """What was seen, and what the typed frames of the same documents say."""
        main, *others = self.endpoint.layouts
        columns = {
            path: (column, frames[layout.name][column.name])
            for layout in self.endpoint.layouts
            for path, column in _columns(layout)
        }
        parents = {place(layout.list_path or ()): frames[layout.name][layout.key[0]] for layout in others}
        objects = {ROOT: frames[main.name].height, **{path + ANY: rows.len() for path, rows in parents.items()}}
        known = []
        for field in self._fields:
            column, series = columns.get(field.path, (None, None))
            if field.path in parents:
                filled = parents[field.path].n_unique()
            elif series is None:
                filled = objects[field.place]
            else:
                filled = int(series.sum()) if field.type == OBJECT else series.len() - series.null_count()
            if field.type == OBJECT:
                objects[field.path] = filled
            if not field.ungiven or field.path not in self._absent:
                values = [] if column is None or series is None else _values_outside(column, series)
                example = _first(series) if field.leaf and series is not None else None
                known.append(self._seen(field, objects[field.place], filled, values, example))
        return (*known, *(self._undeclared(path, objects) for path in sorted(self._unknown)))

    def _seen(
        self, field: "_Field", objects: int, filled: int, values: Iterable[str], example: str | None
    ) -> FieldProfile:
        given = filled > 0 if field.leaf else field.path not in self._null
        return FieldProfile(
            path=field.path,
            declared=True,
            objects=objects,
            present=field.path not in self._absent,
            given=given,
            filled=filled,
            types=tuple(sorted(self._types[field.path] | ({field.type} if given else set()))),
            values=tuple(sorted({*self._values[field.path], *values})[:VALUES]),
            example=example,
        )

    def _undeclared(self, path: str, objects: Mapping[str, int]) -> FieldProfile:
        return FieldProfile(
            path=path,
            declared=False,
            objects=objects.get(self._around[path], self._unknown[path]),
            present=True,
            given=self._filled[path] > 0,
            filled=self._filled[path],
            types=tuple(sorted(self._types[path])),
            example=self._examples.get(path),
        )


OBJECT = "object"
_JSON_TYPES: Mapping[type[pl.DataType], str] = {
    pl.String: "string",
    pl.Boolean: "boolean",
    **dict.fromkeys((pl.Int8, pl.Int32, pl.Int64, pl.Float64), "number"),
    pl.List: "array",
}


@dataclass(frozen=True)
class _Field:
    """A declared field: its path and that of its object, the attributes that lead to that, and its own.

    ``leaf`` says whether it has a column, ``ungiven`` whether the source is known never to give it.
    """

    path: str
    place: str
    above: tuple[str, ...]
    name: str
    type: str
    leaf: bool
    ungiven: bool


def _fields(record: type[Record], place: str, above: tuple[str, ...]) -> Iterator[_Field]:
    """Every declared field of a record, those of the objects in it after each."""
    for name, info in record.model_fields.items():
        inner, marks, _ = unwrap(info)
        path, nested = place + step(source_name(name, info)), _record_in(inner)
        kind = next((mark for mark in marks if isinstance(mark, kinds.Kind)), None)
        ungiven = any(isinstance(mark, Ungiven) for mark in marks)
        json = OBJECT if nested is inner else "array" if kind is None else _JSON_TYPES[type(kind.json)]
        yield _Field(path, place, above, name, json, kind is not None, ungiven)
        if nested is not None:
            yield from _fields(nested, path if nested is inner else path + ANY, (*above, name))


def _record_in(inner: Any) -> type[Record] | None:
    """The record that a field holds, by itself or in a list."""
    for candidate in (inner, *get_args(inner)):
        if isinstance(candidate, type) and issubclass(candidate, Record):
            return candidate
    return None


def _objects(documents: Iterable[Any], above: Sequence[str]) -> Iterable[Any]:
    """The objects in documents to which the attributes lead, through every element of lists."""
    for name in above:
        documents = _inside(documents, name)
    return documents


def _inside(objects: Iterable[Any], name: str) -> Iterator[Any]:
    for one in objects:
        value = getattr(one, name)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value


def _columns(layout: TableLayout) -> Iterator[tuple[str, Column]]:
    """The columns that are made from a field, by its path."""
    for column in reversed(layout.columns):
        if column.path and column.name != EXTRA:
            yield place((*layout.place, *column.path)), column


def _first(series: pl.Series) -> str | None:
    value = series.first(ignore_nulls=True)
    return None if value is None else example_of(value)


def _values_outside(column: Column, series: pl.Series) -> Iterator[str]:
    if column.values:
        yield from map(shortened, {*series.drop_nulls().unique()} - {*column.values})
