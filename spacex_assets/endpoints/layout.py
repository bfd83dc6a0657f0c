"""From a record to its tables: which column comes from which path of the document.

The naming rules of the project live here and nowhere else: a column is its path in snake_case joined by ``_``, a
reference ends in ``_id``, a nullable object leaves a ``has_<path>`` flag, a list of objects and an authoritative list
of references become tables of their own. What does not belong here: SQL (``tables.py``) and frames (``transform/``).
"""

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import polars as pl
from pydantic.fields import FieldInfo

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.base import EXTRA, BackRefs, Bridge, Children, Endpoint, OneOf, Record, Ref, Volatile
from spacex_assets.endpoints.kinds import Kind
from spacex_assets.endpoints.promises import Between, Mirrors, Unique

Path = tuple[str, ...]
M = TypeVar("M")


@dataclass(frozen=True)
class Column:
    """One data column: its name, the path of its leaf (inside the document or the list element) and its kind.

    ``source`` is the whole path from the document, with ``[]`` behind each list on the way. ``values`` are those that
    the source is known to use, where they are few; another one is drift. ``unique``, ``between`` and ``mirrors`` are
    what the record promises of it.
    """

    name: str
    path: Path
    kind: Kind
    nullable: bool
    meaning: str
    source: str
    unit: str | None = None
    references: str | None = None
    volatile: bool = False
    values: tuple[str, ...] = ()
    unique: bool = False
    between: Between | None = None
    mirrors: Mirrors | None = None

    @property
    def comment(self) -> str:
        """What PostgreSQL and the Dagster UI say of the column."""
        return f"{self.meaning}{f' [{self.unit}]' if self.unit else ''} Source: {self.source}"


@dataclass(frozen=True)
class TableLayout:
    """One table of an endpoint.

    ``key`` names the primary key columns. ``list_path`` is the list inside the document that a child or bridge table
    unrolls, ``None`` for the main table; ``parent`` is then the main table's name and the first key column refers to
    its ``id``. Bridges have elements without fields: the single column with the empty path.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    parent: str | None = None
    list_path: Path | None = None

    @property
    def place(self) -> tuple[str | int, ...]:
        """Where in the document the fields of a row are; 0 stands for any position in the list."""
        return () if self.list_path is None else (*self.list_path, 0)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The strict schema of the typed frame."""
        return {column.name: column.kind.frame for column in self.columns}

    @property
    def steady(self) -> list[str]:
        """The columns whose change begins a new version of the row: all that are not volatile."""
        return [column.name for column in self.columns if not column.volatile]

    @property
    def json(self) -> list[str]:
        """The columns that are JSON text in frames and jsonb in PostgreSQL."""
        return [column.name for column in self.columns if column.kind is kinds.UNDECLARED]

    @property
    def contract(self) -> str:
        """Names the contract of the table: changes whenever a column's name, type or order does."""
        text = ";".join(f"{column.name}:{column.kind.name}:{column.kind.frame}" for column in self.columns)
        return sha256(text.encode()).hexdigest()[:12]


def layouts_of(endpoint: Endpoint) -> tuple[TableLayout, ...]:
    """The tables of an endpoint, main table first, in the order of their lists in the record."""
    main: list[Column] = []
    others: list[TableLayout] = []
    for field in _fields(endpoint.record):
        child, bridge = field.mark(Children), field.mark(Bridge)
        if child is not None:
            others.append(_child_table(endpoint, field, child))
        elif bridge is not None:
            others.append(_bridge_table(endpoint, field, bridge))
        else:
            main.extend(field.columns())
    main.append(_UNDECLARED)
    table = TableLayout(endpoint.name, _summary(endpoint.record), tuple(main), ("id",))
    return (table, *others)


def json_schema_of(record: type[Record]) -> dict[str, pl.DataType]:
    """The record's fields, by their names in the source, as Polars reads them from JSON."""
    return {source_name(name, info): _json_type(info) for name, info in record.model_fields.items()}


@dataclass(frozen=True)
class _Field:
    path: Path
    info: FieldInfo
    inner: Any
    marks: tuple[object, ...]
    nullable: bool
    meaning: str

    def mark(self, kind: type[M]) -> M | None:
        return next((mark for mark in self.marks if isinstance(mark, kind)), None)

    def columns(self, prefix: str = "") -> Iterator[Column]:
        """The columns of the field; ``prefix`` leads from the document to the element that the path is in."""
        reference, back, one_of = self.mark(Ref), self.mark(BackRefs), self.mark(OneOf)
        for kind in (mark for mark in self.marks if isinstance(mark, Kind)):
            name = kind.prefix + column_name(self.path) + kind.suffix
            if reference is not None:
                kind, name = kinds.REFERENCE, name + kinds.REFERENCE.suffix
            if back is not None:
                name = "_".join((*map(snake_case, self.path[:-1]), back.column))
            yield Column(
                name=name,
                path=self.path,
                kind=kind,
                nullable=self.nullable,
                meaning=kind.meaning or self.meaning,
                source=prefix + ".".join(self.path),
                unit=kind.unit if kind.meaning else _unit(self.info),
                references=(reference or back).endpoint if reference or back else None,  # type: ignore[union-attr]
                volatile=self.mark(Volatile) is not None,
                values=one_of.values if one_of else (),
                unique=self.mark(Unique) is not None,
                between=self.mark(Between) or kind.between,
                mirrors=self.mark(Mirrors),
            )


def _fields(record: type[Record], path: Path = (), nullable: bool = False, whole_meaning: str = "") -> Iterator[_Field]:
    """Every leaf and list below the record; nested objects are walked, nullable ones yield their presence first.

    A leaf without a meaning of its own (one quantity in several units) has the meaning of the object around it.
    """
    for name, info in record.model_fields.items():
        inner, marks, optional = unwrap(info)
        here = (*path, source_name(name, info))
        meaning = info.description or whole_meaning
        if isinstance(inner, type) and issubclass(inner, Record):
            if optional:
                presence = f"Whether the source has an object at {'.'.join(here)}."
                yield _Field(here, info, bool, (kinds.PRESENCE,), nullable, presence)
            yield from _fields(inner, here, nullable or optional, meaning)
        else:
            yield _Field(here, info, inner, marks, nullable or optional, meaning)


_UNDECLARED = Column(
    EXTRA,
    (EXTRA,),
    kinds.UNDECLARED,
    True,
    "Fields that the document has and its record does not declare, by JSON path; null: none.",
    "anywhere in the document",
)


def _child_table(endpoint: Endpoint, field: _Field, child: Children) -> TableLayout:
    parent_key = f"{endpoint.singular}_id"
    (element,) = get_args(field.inner)
    source = f"{'.'.join(field.path)}[]"
    columns = tuple(column for inner in _fields(element) for column in inner.columns(f"{source}."))
    return TableLayout(
        name=child.table,
        comment=_summary(element),
        columns=(_parent_column(endpoint, parent_key), _position_column(source), *columns),
        key=(parent_key, "position"),
        parent=endpoint.name,
        list_path=field.path,
    )


def _bridge_table(endpoint: Endpoint, field: _Field, bridge: Bridge) -> TableLayout:
    parent_key = f"{endpoint.singular}_id"
    source = f"{'.'.join(field.path)}[]"
    other = Column(bridge.column, (), kinds.REFERENCE, False, field.meaning, source, references=bridge.endpoint)
    return TableLayout(
        name=bridge.table,
        comment=field.meaning,
        columns=(_parent_column(endpoint, parent_key), other, _position_column(source)),
        key=(parent_key, bridge.column),
        parent=endpoint.name,
        list_path=field.path,
    )


def _parent_column(endpoint: Endpoint, name: str) -> Column:
    return Column(name, (), kinds.ID, False, f"The {endpoint.singular} that this row belongs to.", "id")


def _position_column(source: str) -> Column:
    return Column("position", (), kinds.POSITION, False, "Position in the list, from 0.", source)


def _unit(info: FieldInfo) -> str | None:
    extra = info.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) and extra.get("unit") else None


def unwrap(info: FieldInfo) -> tuple[Any, tuple[object, ...], bool]:
    """The bare type, the project's marks and whether null is allowed."""
    annotation, marks, nullable = info.annotation, list(info.metadata), False
    while True:
        if get_origin(annotation) in (Union, types.UnionType):
            options = [option for option in get_args(annotation) if option is not types.NoneType]
            nullable = True
            (annotation,) = options
        elif get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            marks = [*more, *marks]
        else:
            return annotation, tuple(marks), nullable


def _json_type(info: FieldInfo) -> pl.DataType:
    inner, marks, _ = unwrap(info)
    kind = next((mark for mark in marks if isinstance(mark, Kind)), None)
    if kind is not None:
        return kind.json
    if isinstance(inner, type) and issubclass(inner, Record):
        return pl.Struct(json_schema_of(inner))
    (element,) = get_args(inner)
    if isinstance(element, type) and issubclass(element, Record):
        return pl.List(pl.Struct(json_schema_of(element)))
    return pl.List(pl.String())


def source_name(name: str, info: FieldInfo) -> str:
    """What the source calls a field of a record."""
    return info.alias or name


def _summary(record: type[Record]) -> str:
    return " ".join((record.__doc__ or "").split())


def column_name(path: Path) -> str:
    """``("spaceTrack", "OBJECT_NAME")`` is ``space_track_object_name``."""
    return "_".join(snake_case(part) for part in path)


def snake_case(name: str) -> str:
    """``spaceTrack`` is ``space_track``, ``kN`` is ``kn``, ``OBJECT_NAME`` is ``object_name``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name).lower()
