"""How answers write moments, ages, lists and documents."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

SHOWN = 10
"""How many of many names an answer gives."""


def moment(at: datetime) -> str:
    """``2026-01-02 03:04:05.678901Z``, so that it can be given to ``--at``."""
    return at.astimezone(UTC).isoformat(sep=" ").replace("+00:00", "Z")


def age(seconds: float) -> str:
    """``12s``, ``3m``, ``5h``, ``8d``: whole ones, rounded down."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def pretty(document: Any) -> str:
    """A document, indented; half of a surrogate pair, which no terminal takes, stays escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()
