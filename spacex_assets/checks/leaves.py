"""The canonical leaves of a document as the source sent it, by JSON path.

Shares nothing with the transform but how paths are written, so that a fault there is seen. Numbers are equal by value,
a flag is 0 or 1, instants are microseconds since 1970, and what is null, absent or ``''`` is no leaf; an empty list is
one where a list has a column, and so differs from null there.
What does not belong here: how leaves are rebuilt from tables (``stored.py``) and compared (``reconciliation.py``).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from spacex_assets.endpoints.paths import ROOT, step

Leaves = dict[str, Any]

OBJECT = "object"
OFFSET = " offset"
"""Ends the path of a leaf with the minutes by which an instant was given ahead of UTC."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_EXACT = 2**53
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Shapes:
    """Shapes of paths at which a leaf says more, or less, than its value alone would.

    At ``offsets`` the offset from UTC matters, at ``measures`` a number has the precision of a double, not that of its
    digits, at ``lists`` an empty list differs from null.
    """

    offsets: Collection[str] = ()
    measures: Collection[str] = ()
    lists: Collection[str] = ()


PLAIN = Shapes()


def document_leaves(document: Mapping[str, Any], shapes: Shapes = PLAIN) -> Leaves:
    """The leaves of a document."""
    leaves: Leaves = {}
    for name, value in document.items():
        add_leaves(leaves, ROOT + step(name), value, shapes)
    return leaves


def add_leaves(leaves: Leaves, path: str, value: Any, shapes: Shapes = PLAIN) -> None:
    """Adds the leaves of a value at a path. An object is a leaf as well, so that it differs from null."""
    kind = type(value)
    if kind is dict:
        leaves[path] = OBJECT
        for name, inner in value.items():
            add_leaves(leaves, path + step(name), inner, shapes)
    elif kind is list:
        if any(type(element) in (dict, list) for element in value):
            for position, element in enumerate(value):
                add_leaves(leaves, path + step(position), element, shapes)
        elif value or shape(path) in shapes.lists:
            leaves[path] = [canonical(element) for element in value]
    elif value is not None and value != "":
        rounded = kind is int and not -_EXACT < value < _EXACT and shape(path) in shapes.measures
        leaves[path] = canonical(float(value) if rounded else value)
        if shapes.offsets and kind is str and value[10:11] == "T" and shape(path) in shapes.offsets:
            ahead = datetime.fromisoformat(value).utcoffset()
            leaves[path + OFFSET] = ahead.total_seconds() / 60 if ahead else 0.0


def canonical(value: Any) -> Any:
    """A value so that equal ones are written alike.

    A float beyond the integers that it can tell apart is the one that its shortest digits say, as PostgreSQL has it in
    jsonb: ``1e300`` is a one with 300 zeros.
    """
    kind = type(value)
    if kind is str:
        return _instant_or_text(value) if value[10:11] == "T" and len(value) > 18 else value
    if kind is float or kind is int or kind is bool:
        if -_EXACT < value < _EXACT:
            return float(value) + 0.0
        return int(Decimal(repr(value))) if kind is float else value
    return value.isoformat() if kind is date else value


def _instant_or_text(text: str) -> str:
    if not _INSTANT.fullmatch(text):
        return text
    try:
        return _instant(datetime.fromisoformat(text))
    except ValueError:
        return text


def _instant(moment: datetime) -> str:
    """Counted since 1970, for in UTC an instant may lie outside of the years that Python knows."""
    ahead = moment.utcoffset() or timedelta()
    return f"{(moment.replace(tzinfo=None) - _EPOCH - ahead) // timedelta(microseconds=1)} us"


def shape(path: str) -> str:
    """The path without positions: ``$.cores[0].core`` is ``$.cores[].core``."""
    return re.sub(r"\[\d+\]", "[]", path)


def digest(leaves: Leaves) -> bytes:
    """16 bytes that name the leaves."""
    return sha256(to_json(sorted(leaves.items()))).digest()[:16]
