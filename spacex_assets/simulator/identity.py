"""Ids and chance of the simulated fleet; the same seed gives the same fleet, byte for byte."""

from random import Random
from typing import TypeVar

T = TypeVar("T")

CODES = {
    name: code
    for code, name in enumerate(
        (
            *("capsules", "company", "cores", "crew", "dragons", "history", "landpads"),
            *("launches", "launchpads", "payloads", "roadster", "rockets", "ships", "starlink"),
        ),
        start=0x51A000,
    )
}
CREATED = 0x5E9D0D95
"""Begins every id, as the creation time begins those of the source."""


def object_id(collection: str, index: int) -> str:
    """24 lower-case hexadecimal digits, unique across collections."""
    return f"{CREATED:08x}{CODES[collection]:06x}{index:010x}"


def chance(seed: int, collection: str, index: int) -> Random:
    """The chance of one document, independent of all others."""
    return Random(f"{seed}/{collection}/{index}")


def maybe(random: Random, share: float, value: T) -> T | None:
    """The value, or null in the given share of cases."""
    return None if random.random() < share else value
