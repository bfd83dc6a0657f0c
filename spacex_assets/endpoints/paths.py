"""How a place in a document is written: its JSON path, the same in quarantine, drift, ``_extra`` and the checks.

What does not belong here: what a document has at a place.
"""

import json
from collections.abc import Iterable
from functools import lru_cache

Location = Iterable[int | str]
"""The names of fields and the positions in lists that lead from the document to the place."""

ROOT = "$"
ANY = "[]"
"""The step to any element of a list."""


def json_path(location: Location) -> str:
    """``("cores", 0, "core")`` is ``$.cores[0].core``, ``("a.b",)`` is ``$["a.b"]``: no two locations share a path."""
    return ROOT + steps(location)


def field_path(location: Location) -> str:
    """The path at any position in lists: ``("cores", 0, "core")`` is ``$.cores[].core``."""
    return ROOT + "".join(ANY if isinstance(part, int) else step(part) for part in location)


def steps(location: Location) -> str:
    """A path without its root, to be added to another."""
    return "".join(map(step, location))


@lru_cache(2**14)
def step(part: int | str) -> str:
    """The step into a field or to an element."""
    return f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{json.dumps(part)}]"
