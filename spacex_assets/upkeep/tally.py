"""How much goes, or went: a line per kind of thing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """So many things of a kind, and their bytes."""

    what: str
    count: int
    size: int


def tally(items: Iterable[Item]) -> list[Item]:
    """One item per kind, in the order in which the kinds first come; none without things."""
    sums: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for item in items:
        count, size = sums[item.what]
        sums[item.what] = (count + item.count, size + item.size)
    return [Item(what, count, size) for what, (count, size) in sums.items() if count]


def told(items: Iterable[Item]) -> Iterator[str]:
    """A line per item, with its size in MB."""
    for item in items:
        yield f"{item.what:<32}{item.count:>12,}{item.size / 1e6:>12,.1f} MB"
