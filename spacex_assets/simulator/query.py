"""POST ``/query``: filters, sorting, paging and selection as mongoose-paginate answers them.

Dates are text, as in the source. What does not belong here: routes and headers (``protocol.py``).
"""

import math
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

Document = dict[str, Any]
STORED_NAMES = {"_id": "id"}
TEXT_FIELDS = ("name", "full_name", "details", "serial", "last_update", "title")


class Documents(Protocol):
    """Documents that can be gone through, and had by their positions."""

    def __iter__(self) -> Iterator[Document]: ...

    def __getitem__(self, position: int) -> Document: ...


class BadQuery(ValueError):
    """A query that the server answers with 400 and this text."""


def paginate(documents: Documents, body: Mapping[str, Any], lookup: Callable[[str], Document | None]) -> Document:
    """The envelope with the page of matching documents. ``lookup`` finds the document that an id refers to."""
    query, options = body.get("query") or {}, body.get("options") or {}
    if not isinstance(query, dict) or not isinstance(options, dict):
        raise BadQuery("query and options have to be objects")
    found = _found(documents, query, _sorting(options.get("sort")))
    total = len(found)
    whole = options.get("pagination") is False
    limit = total if whole else _number(options, "limit", 10)
    page = _number(options, "page", 1) or 1
    offset = 0 if whole else _number(options, "offset", (page - 1) * limit)
    page = 1 if whole or not limit else offset // limit + 1
    pages = 1 if whole or not limit else max(1, math.ceil(total / limit))
    shown = found[offset : offset + limit] if limit else []
    return {
        "docs": [
            _populated(_selected(documents[position], options.get("select")), options.get("populate"), lookup)
            for position in shown
        ],
        "totalDocs": total,
        "offset": offset,
        "limit": limit,
        "totalPages": pages,
        "page": page,
        "pagingCounter": offset + 1,
        "hasPrevPage": page > 1,
        "hasNextPage": page < pages,
        "prevPage": page - 1 if page > 1 else None,
        "nextPage": page + 1 if page < pages else None,
    }


def _found(documents: Iterable[Document], query: Mapping[str, Any], sorting: list[tuple[str, bool]]) -> Sequence[int]:
    """The positions of the matching documents in the order asked for; documents themselves are not kept."""
    found, keys = array("L"), [list[Any]() for _ in sorting]
    for position, document in enumerate(documents):
        if matches(document, query):
            found.append(position)
            for key, (name, _) in zip(keys, sorting, strict=True):
                key.append(_order(_get(document, name)))
    order = list(range(len(found))) if sorting else []
    for key, (_, descending) in reversed(list(zip(keys, sorting, strict=True))):
        order.sort(key=key.__getitem__, reverse=descending)
    return array("L", map(found.__getitem__, order)) if sorting else found


def matches(document: Document, query: Mapping[str, Any]) -> bool:
    """Whether a document passes a MongoDB filter."""
    return all(_condition(document, name, wanted) for name, wanted in query.items())


def _condition(document: Document, name: str, wanted: Any) -> bool:
    match name:
        case "$and":
            return all(matches(document, part) for part in wanted)
        case "$or":
            return any(matches(document, part) for part in wanted)
        case "$nor":
            return not any(matches(document, part) for part in wanted)
        case "$text":
            words = str(wanted.get("$search", "")).lower().split()
            text = " ".join(str(document.get(field) or "") for field in TEXT_FIELDS).lower()
            return any(word in text for word in words)
    if name.startswith("$"):
        raise BadQuery(f"unknown top level operator: {name}")
    return _passes(_get(document, STORED_NAMES.get(name, name)), wanted)


def _passes(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted):
        return all(_operator(value, operator, operand, wanted) for operator, operand in wanted.items())
    return bool(value == wanted) or (isinstance(value, list) and wanted in value)


def _operator(value: Any, operator: str, operand: Any, wanted: Mapping[str, Any]) -> bool:
    values = value if isinstance(value, list) else [value]
    match operator:
        case "$eq":
            return _passes(value, operand)
        case "$ne":
            return not _passes(value, operand)
        case "$gt" | "$gte" | "$lt" | "$lte":
            return any(_compares(one, operator, operand) for one in values)
        case "$in":
            return any(_passes(value, one) for one in operand)
        case "$nin":
            return not any(_passes(value, one) for one in operand)
        case "$exists":
            return (value is not _ABSENT) is bool(operand)
        case "$not":
            return not _passes(value, operand)
        case "$regex":
            flags = re.IGNORECASE if "i" in str(wanted.get("$options", "")) else 0
            try:
                return any(isinstance(one, str) and re.search(operand, one, flags) is not None for one in values)
            except re.error as error:
                raise BadQuery(f"Regular expression is invalid: {error}") from error
        case "$options":
            return True
        case "$size":
            return isinstance(value, list) and len(value) == operand
        case "$elemMatch":
            return isinstance(value, list) and any(isinstance(one, dict) and matches(one, operand) for one in value)
    raise BadQuery(f"unknown operator: {operator}")


def _compares(value: Any, operator: str, operand: Any) -> bool:
    numbers = (int, float)
    if not (isinstance(value, str) and isinstance(operand, str)) and not (
        isinstance(value, numbers) and isinstance(operand, numbers)
    ):
        return False
    order = (value > operand) - (value < operand)  # type: ignore[operator]
    return {"$gt": order > 0, "$gte": order >= 0, "$lt": order < 0, "$lte": order <= 0}[operator]


_ABSENT: Any = type("Absent", (), {"__eq__": lambda _, other: other is None, "__hash__": None})()


def _get(document: Any, path: str) -> Any:
    first, _, rest = path.partition(".")
    if isinstance(document, list):
        return [_get(element, path) for element in document]
    if not isinstance(document, dict) or first not in document:
        return _ABSENT
    return _get(document[first], rest) if rest else document[first]


def _sorting(sort: Any) -> list[tuple[str, bool]]:
    if not sort:
        return []
    pairs: Iterable[tuple[str, Any]] = (
        sort.items() if isinstance(sort, dict) else [(n.lstrip("-"), -1 if n[0] == "-" else 1) for n in sort.split()]
    )
    return [(STORED_NAMES.get(name, name), way in (-1, "-1", "desc", "descending")) for name, way in pairs]


def _order(value: Any) -> tuple[int, Any]:
    if value is None or value is _ABSENT:
        return 0, 0
    if isinstance(value, bool):
        return 3, value
    return (1, value) if isinstance(value, int | float) else (2, str(value))


def _number(options: Mapping[str, Any], name: str, default: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int) or value < 0:
        raise BadQuery(f"{name} has to be a number, not {value!r}")
    return value


def _selected(document: Document, select: Any) -> Document:
    if not select:
        return document
    wanted = select if isinstance(select, dict) else {n.lstrip("-"): 0 if n[0] == "-" else 1 for n in select.split()}
    wanted = {STORED_NAMES.get(name, name): flag for name, flag in wanted.items()}
    if any(flag for name, flag in wanted.items() if name != "id"):
        names = {name.split(".")[0] for name, flag in wanted.items() if flag}
        return {k: v for k, v in document.items() if k in names or (k == "id" and wanted.get("id", 1))}
    return {k: v for k, v in document.items() if wanted.get(k, 1)}


def _populated(document: Document, populate: Any, lookup: Callable[[str], Document | None]) -> Document:
    if not populate:
        return document
    entries = (
        populate if isinstance(populate, list) else str(populate).split() if isinstance(populate, str) else [populate]
    )
    populated = dict(document)
    for entry in entries:
        path = entry["path"] if isinstance(entry, dict) else entry
        value = populated.get(path)
        if isinstance(value, list):
            populated[path] = [lookup(one) or one if isinstance(one, str) else one for one in value]
        elif isinstance(value, str):
            populated[path] = lookup(value)
    return populated
