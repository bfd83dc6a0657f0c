"""Ids and chance of the simulated fleet; the same seed gives the same fleet, byte for byte."""

from functools import cache
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
"""A new collection goes to the end: the ids of all that follow one depend on its place."""
CREATED = 0x5E9D0D95
"""Begins every id, as the creation time begins those of the source."""
GOLDEN = 0.6180339887498949


def object_id(collection: str, index: int) -> str:
    """24 lower-case hexadecimal digits, unique across collections."""
    return f"{CREATED:08x}{CODES[collection]:06x}{index:010x}"


def chance(seed: int, collection: str, index: int) -> Random:
    """The chance of one document, independent of all others."""
    return Random(f"{seed}/{collection}/{index}")


class Nulls:
    """Which values of a document are null: evenly spread, so that a share holds in small collections too."""

    def __init__(self, seed: int, collection: str, index: int) -> None:
        self.seed, self.collection, self.index = seed, collection, index

    def hit(self, field: str, share: float) -> bool:
        """Whether this document is among the given share of them."""
        return (self.index * GOLDEN + _offset(self.seed, self.collection, field)) % 1.0 < share

    def __call__(self, field: str, share: float, value: T) -> T | None:
        """The value, or null in the given share of documents."""
        return None if self.hit(field, share) else value


@cache
def _offset(seed: int, collection: str, field: str) -> float:
    return Random(f"{seed}/{collection}/{field}").random()
