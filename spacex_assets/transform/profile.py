"""What the documents of one snapshot look like: per JSON path how often it is given, null and absent, of which types.

Taken from what typing a snapshot makes anyway: the typed frames say which fields are null, the validated documents
which are absent, the faults which are undeclared. So a field is given as its column is: an empty text is null.
What does not belong here: what a difference between two profiles means (``drift.py``).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.base import Endpoint, Record
from spacex_assets.endpoints.layout import Column
from spacex_assets.endpoints.paths import ANY, ROOT, Location
from spacex_assets.transform.fields import OBJECT, Field, columns_of, fields_of, place, shortened

VALUES = 100
"""Undeclared values that are kept of a field, in order of the alphabet; of the others, how many there are."""


class FieldProfile(BaseModel):
    """A field, by its JSON path with ``[]`` for any position in a list.

    ``objects`` could have the field, ``present`` have it, ``given`` have it other than null. ``types`` are its JSON
    types other than null, or with it where null breaks the record; ``values`` are outside of the declared ones, and
    there are ``others``.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    declared: bool
    objects: int
    present: int
    given: int
    types: tuple[str, ...]
    values: tuple[str, ...] = ()
    others: int = 0
    example: str | None = None

    @property
    def null(self) -> int:
        """Objects in which it is null."""
        return self.present - self.given

    @property
    def absent(self) -> int:
        """Objects that could have it and do not."""
        return self.objects - self.present


Profile = tuple[FieldProfile, ...]


def json_type(value: Any) -> str:
    """What JSON calls the type of a value."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


def example_of(value: Any) -> str:
    """A value as JSON, shortened."""
    return shortened(_as_json(value))


_names_in = attrgetter("__pydantic_fields_set__")


class Tally:
    """Looks at the documents of a snapshot, batch by batch; :meth:`profile` is the result."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._fields: dict[str, list[Field]] = defaultdict(list)
        for field in fields_of(endpoint.record):
            self._fields[field.place].append(field)
        self._nested = {where: [field for field in fields if not field.leaf] for where, fields in self._fields.items()}
        self._objects: Counter[str] = Counter()
        self._absent: Counter[str] = Counter()
        self._null_lists: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._around: dict[str, str] = {}
        self._given: Counter[str] = Counter()
        self._types: defaultdict[str, set[str]] = defaultdict(set)
        self._values: defaultdict[str, set[str]] = defaultdict(set)
        self._examples: dict[str, str] = {}

    def accept(self, documents: Sequence[Record]) -> None:
        """Counts the objects in documents that keep their record, and what those lack."""
        found: dict[str, Sequence[Any]] = {ROOT: documents}
        for where, fields in self._fields.items():
            objects = found[where]
            self._objects[where] += len(objects)
            if sum(map(len, map(_names_in, objects))) < len(fields) * len(objects):
                self._absent.update(
                    field.path for one in objects for field in fields if field.name not in one.__pydantic_fields_set__
                )
            for field in self._nested[where]:
                given = [one for one in map(attrgetter(field.name), objects) if one is not None]
                if field.type == OBJECT:
                    found[field.path] = given
                else:
                    self._null_lists[field.path] += len(objects) - len(given)
                    if field.path + ANY in self._fields:
                        found[field.path + ANY] = [*chain.from_iterable(given)]

    def unknown_field(self, location: Sequence[int | str], value: Any) -> None:
        """Counts a field that the record does not declare."""
        path = place(location)
        self._around[path] = place(location[:-1])
        self._unknown[path] += 1
        if value is not None:
            self._given[path] += 1
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
        objects: dict[str, int] = {}
        columns: dict[str, pl.Series] = {}
        outside: dict[str, set[str]] = {}
        for layout in self.endpoint.layouts:
            frame, origins = frames[layout.name], dict(columns_of(layout))
            objects[place(layout.place)] = frame.height
            columns |= {path: frame[column.name] for path, column in origins.items()}
            outside |= _outside(frame, {path: column for path, column in origins.items() if column.values})
        known = []
        for where, fields in self._fields.items():
            around = objects[where]
            for field in fields:
                series = columns.get(field.path)
                if series is None:
                    given = around if field.type == OBJECT else self._not(self._null_lists, field, around)
                else:
                    given = int(series.sum()) if field.type == OBJECT else series.len() - series.null_count()
                if field.type == OBJECT:
                    objects[field.path] = given
                present = max(given, self._not(self._absent, field, around))
                if present or not field.ungiven:
                    example = _first(series) if field.leaf and series is not None else None
                    values = outside.get(field.path, set())
                    known.append(self._seen(field, around, present, given, values, example))
        return (*known, *(self._undeclared(path, objects) for path in sorted(self._unknown)))

    def _not(self, lacking: Counter[str], field: Field, objects: int) -> int:
        """How many objects do not lack the field; at least one if any did not. Of copies, the frames have one."""
        seen = max(self._objects[field.place], objects)
        having = seen - lacking[field.path]
        return max(round(objects * having / seen), min(objects, having, 1)) if seen else 0

    def _seen(
        self, field: Field, objects: int, present: int, given: int, values: set[str], example: str | None
    ) -> FieldProfile:
        outside = sorted(values | self._values[field.path]) if values or field.path in self._values else []
        return FieldProfile(
            path=field.path,
            declared=True,
            objects=objects,
            present=present,
            given=given,
            types=tuple(sorted(self._types[field.path] | ({field.type} if given else set()))),
            values=tuple(outside[:VALUES]),
            others=len(outside[VALUES:]),
            example=example,
        )

    def _undeclared(self, path: str, objects: Mapping[str, int]) -> FieldProfile:
        present = self._unknown[path]
        return FieldProfile(
            path=path,
            declared=False,
            objects=max(present, objects.get(self._around[path], 0)),
            present=present,
            given=self._given[path],
            types=tuple(sorted(self._types[path])),
            example=self._examples.get(path),
        )


def _first(series: pl.Series) -> str | None:
    if series.dtype == kinds.INSTANT:  # which in UTC may lie outside of the years that Python knows
        series = series.drop_nulls().head(1).dt.to_string("%Y-%m-%d %H:%M:%S%.f%:z")
    value = series.first(ignore_nulls=True)
    return None if value is None else example_of(value)


def _outside(frame: pl.DataFrame, limited: Mapping[str, Column]) -> dict[str, set[str]]:
    """The values of the columns that are outside of the declared ones, by the path of their field."""
    if not limited:
        return {}
    found = frame.select(pl.col(column.name).unique().implode() for column in limited.values())
    return {
        path: {shortened(value) for value in {*found[column.name][0]} - {*column.values, None}}
        for path, column in limited.items()
    }
