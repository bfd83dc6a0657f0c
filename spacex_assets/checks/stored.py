"""The canonical leaves of a document as the tables have it: a row's columns go back to the JSON paths they came from.

What does not belong here: the leaves of the source's own documents (``leaves.py``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import sqlalchemy as sa

from spacex_assets.checks.leaves import OBJECT, OFFSET, Leaves, Shapes, add_leaves, canonical
from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.layout import Column, Path, TableLayout
from spacex_assets.endpoints.paths import ROOT, field_path, json_path, step, steps
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load.compare import quoted


def stored_leaves(connection: sa.Connection, layouts: Sequence[TableLayout], ids: Sequence[str]) -> dict[str, Leaves]:
    """The leaves of the documents with these ids, by id; of those that the main table has."""
    main, *others = layouts
    found: dict[str, Leaves] = {}
    plan = _plan(main, [layout.list_path or () for layout in others])
    for row in _rows(connection, main, ids):
        _add_row(found.setdefault(row[0], {}), plan, row, ROOT)
    for layout in others:
        start = json_path(layout.list_path or ())
        plan = _plan(layout, ())
        for row in _rows(connection, layout, ids):
            leaves = found.setdefault(row[0], {})
            if plan.element is not None:
                leaves.setdefault(start, []).append(row[plan.element])
            else:
                element = start + step(row[1])
                leaves[element] = OBJECT
                _add_row(leaves, plan, row, element)
    return found


def declared_shapes(layouts: Sequence[TableLayout]) -> set[str]:
    """The shapes of all paths that leaves of declared fields can have."""
    shapes = set()
    for layout in layouts:
        shapes |= {field_path(layout.list_path or ()), field_path(layout.place)}
        for column in layout.columns:
            for depth in range(1, len(column.path) + 1):
                shapes.add(field_path((*layout.place, *column.path[:depth])))
    return shapes | {shape + OFFSET for shape in telling_shapes(layouts).offsets}


def telling_shapes(layouts: Sequence[TableLayout]) -> Shapes:
    """Where an offset has a column of its own, a number is stored as a double, a list is stored as one."""
    return Shapes(
        offsets=_shapes(layouts, lambda kind: kind is kinds.UTC_OFFSET),
        measures=_shapes(layouts, lambda kind: kind is kinds.MEASURE),
        lists=_shapes(layouts, lambda kind: isinstance(kind.frame, pl.List)),
    )


def _shapes(layouts: Sequence[TableLayout], such: Callable[[kinds.Kind], bool]) -> set[str]:
    return {
        field_path((*layout.place, *column.path))
        for layout in layouts
        for column in layout.columns
        if such(column.kind)
    }


@dataclass(frozen=True)
class _Plan:
    """Where the columns of a row go: by position, the steps below the document or list element.

    ``objects`` are paths at which there is an object, if the flag at that position is true, where there is one.
    ``element`` is the position of the column that is the list element itself.
    """

    leaves: tuple[tuple[int, str], ...]
    objects: tuple[tuple[str, int | None], ...]
    extra: int | None
    element: int | None


def _plan(layout: TableLayout, lists: Iterable[Path]) -> _Plan:
    columns = list(enumerate(layout.columns))
    flags = {column.path: at for at, column in columns if column.kind is kinds.PRESENCE}
    paths = [column.path for _, column in columns if column.path] + list(lists)
    objects = {path[:depth] for path in paths for depth in range(1, len(path))} | set(flags)
    data = [(at, column) for at, column in columns if _is_leaf(column)]
    return _Plan(
        leaves=tuple((at, steps(c.path) + OFFSET * (c.kind is kinds.UTC_OFFSET)) for at, c in data),
        objects=tuple((steps(path), _flag(path, flags)) for path in sorted(objects)),
        extra=next((at for at, column in columns if column.kind is kinds.UNDECLARED), None),
        element=next((at for at, c in columns if not c.path and c.kind is kinds.REFERENCE), None),
    )


def _is_leaf(column: Column) -> bool:
    return bool(column.path) and column.kind not in (kinds.PRESENCE, kinds.UNDECLARED)


def _flag(path: Path, flags: dict[Path, int]) -> int | None:
    """The position of the flag that says whether there is an object: its own, or of the nearest object around it."""
    return next((flags[path[:depth]] for depth in range(len(path), 0, -1) if path[:depth] in flags), None)


def _add_row(leaves: Leaves, plan: _Plan, row: Sequence[Any], start: str) -> None:
    for path, flag in plan.objects:
        if flag is None or row[flag]:
            leaves[start + path] = OBJECT
    for at, path in plan.leaves:
        value = row[at]
        if isinstance(value, list):
            leaves[start + path] = [canonical(element) for element in value]
        elif value is not None and value != "":
            leaves[start + path] = canonical(value)
    if plan.extra is not None and row[plan.extra]:
        for path, value in row[plan.extra].items():
            add_leaves(leaves, path, value)


def _rows(connection: sa.Connection, layout: TableLayout, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
    columns = ", ".join(map(_selected, layout.columns))
    order = " ORDER BY 1, position" if layout.list_path else ""
    query = f"SELECT {columns} FROM {quoted(SCHEMA, layout.name)} WHERE {quoted(layout.key[0])} = ANY (%s){order}"
    return iter(connection.exec_driver_sql(query, (list(ids),)).all())


def _selected(column: Column) -> str:
    """A column as its leaf is written; an instant as ``leaves.py`` counts it, for Python's years end before ours."""
    name = quoted(column.name)
    if column.kind.frame == kinds.INSTANT:
        return f"trunc(extract(epoch FROM {name}) * 1000000) || ' us'"
    return name
